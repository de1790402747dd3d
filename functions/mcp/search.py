"""`search_api`: finds operations by words."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from functions.mcp import schema_views
from functions.mcp.catalog import APIS, ApiOperation, Catalog, Json

DEFAULT_RESULTS, MAX_RESULTS = 5, 20
#: Bytes of an answer. Operations that do not fit are left out, and counted.
MAX_ANSWER_BYTES = 40_000
_MAX_DESCRIPTION = 600
#: How much a word counts by its place.
_WEIGHTS = {"id": 6.0, "summary": 4.0, "path": 3.0, "tags": 2.0, "parameters": 1.0, "description": 1.0}
#: An operation that the caller's credential cannot call comes after equally good ones.
_NOT_YOURS = 0.6
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_POSSESSIVE = re.compile("['\u2019]s\\b")
#: Words that say nothing about an operation.
_EMPTY_WORDS = frozenset(
    {"a", "all", "an", "and", "for", "how", "i", "in", "my", "of", "on", "or", "the", "to", "with"}
)
#: Words that people use, and words of the documents that mean the same.
_SAME_MEANING = {
    "sms": ("text",),
    "text": ("sms",),
    "message": ("sms", "email"),
    "mail": ("email",),
    "phone": ("number", "call"),
    "fetch": ("get", "list"),
    "show": ("get", "list"),
    "add": ("create",),
    "new": ("create",),
    "make": ("create",),
    "save": ("upsert", "create", "update"),
    "edit": ("update", "patch"),
    "change": ("update",),
    "remove": ("delete",),
    "cancel": ("delete", "revoke"),
    "block": ("blocklist",),
    "member": ("team",),
    "dial": ("call",),
}
_SYNONYM_SHARE = 0.5
_ENDINGS = ("ing", "ed", "e")
#: The shortest beginning that is left of a word without its ending.
_MIN_STEM = 4


class SearchIndex:
    """The words of all operations."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._words = {one.id: _weighted_words(one) for one in catalog.operations.values()}
        in_operations = Counter(word for words in self._words.values() for word in words)
        self._rarity = {word: 1 + math.log(len(self._words) / count) for word, count in in_operations.items()}

    def find_operations(self, query: str, api: str | None, own: str) -> list[ApiOperation]:
        """Returns the operations that match a query, best first. `own` is the API of the caller's credential."""
        named = self._catalog.find_operations(query.strip())
        exact = sorted((one for one in named if api in (None, one.api)), key=lambda one: one.api != own)
        wanted = list(dict.fromkeys(split_words(query)))
        scores = {
            one: self._score(one, wanted) * (1 if one.api == own else _NOT_YOURS)
            for one in self._catalog.operations.values()
            if api in (None, one.api)
        }
        ranked = sorted(
            (one for one, score in scores.items() if score > 0 and one not in exact),
            key=lambda one: (-scores[one], one.id),
        )
        return [*exact, *ranked]

    def _score(self, operation: ApiOperation, wanted: Sequence[str]) -> float:
        """Returns the sum of the words' scores, times the number of wanted words that the operation has."""
        words = self._words[operation.id]
        total, matched = 0.0, 0
        for word in wanted:
            matches = [self._rarity[word] * words[word]] if word in words else [0.0]
            matches += [
                self._rarity[other] * words[other] * _SYNONYM_SHARE
                for other in _SYNONYMS.get(word, ())
                if other in words
            ]
            total += max(matches)
            matched += max(matches) > 0
        return total * matched


def split_words(text: str) -> list[str]:
    """Returns the stems of the words of a text or a name: `listCalls` has the words list and call."""
    words = (found.lower() for found in _WORD.findall(_POSSESSIVE.sub("", text)))
    return [_stem(word) for word in words if word not in _EMPTY_WORDS]


def search_api(index: SearchIndex, query: str, api: str | None, limit: int, own: str) -> str:
    """Returns the answer of the tool as JSON: the operations that match, with their parameters and schemas."""
    found = index.find_operations(query, api, own)
    if not found:
        return _dump(
            {
                "operations": [],
                "advice": "No operation matches these words. Use the nouns of the APIs, such as call, text message,"
                " email, contact, number, flow, campaign, agent, webhook, team or blocklist, with a verb such as list,"
                " create or send.",
                "apis": list(APIS),
            }
        )
    shown: list[Json] = []
    size = 0
    for operation in found[:limit]:
        view = describe_operation(operation, own)
        size += len(_dump(view).encode())
        if shown and size > MAX_ANSWER_BYTES:
            break
        shown.append(view)
    answer: Json = {"operations": shown}
    if len(shown) < len(found):
        answer["more"] = len(found) - len(shown)
    return _dump(answer)


def describe_operation(operation: ApiOperation, own: str) -> Json:
    """Returns an operation as a model needs it to call it."""
    view: Json = {
        "operation_id": operation.id,
        "api": operation.api,
        "method": operation.method,
        "path": operation.path,
        "summary": operation.summary,
    }
    if operation.description:
        view["description"] = schema_views.cut_text(operation.description, _MAX_DESCRIPTION)
    view["consequential"] = operation.is_consequential
    view["parameters"] = schema_views.describe_parameters(operation)
    body = schema_views.describe_body(operation)
    if body is not None:
        view["body"] = {"required": operation.requires_body, "schema": body}
    if operation.refusal:
        view["not_executable"] = operation.refusal
    elif operation.api != own:
        view["not_executable"] = f"It needs a credential of the API {operation.api}. This connection has one of {own}."
    return view


def _weighted_words(operation: ApiOperation) -> dict[str, float]:
    texts: dict[str, str] = {
        "id": operation.id.partition(".")[2],
        "summary": operation.summary,
        "path": operation.path,
        "tags": " ".join(operation.raw.get("tags", ())),
        "parameters": " ".join([*(one["name"] for one in operation.parameters), *_body_fields(operation)]),
        "description": operation.description,
    }
    found: dict[str, float] = {}
    for place, text in texts.items():
        for word in split_words(text):
            found[word] = max(found.get(word, 0), _WEIGHTS[place])
    return found


def _body_fields(operation: ApiOperation) -> Iterable[str]:
    schema = operation.document.resolve(operation.body_schema or {})
    return tuple(schema.get("properties", ()))


def _stem(word: str) -> str:
    """Returns the part of a word that its forms share: schedule, schedules and scheduled are the same."""
    if word.endswith("ies") and len(word) > _MIN_STEM:
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")) and word != "sms":
        word = word[:-1]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _MIN_STEM:
            return word.removesuffix(ending)
    return word


_SYNONYMS = {_stem(word): tuple(_stem(other) for other in others) for word, others in _SAME_MEANING.items()}


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
