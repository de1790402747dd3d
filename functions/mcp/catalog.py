"""The operations that the tools know: those of the four API documents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

Json = dict[str, Any]

DOCUMENTS = Path(__file__).resolve().parents[1] / "portal" / "documents"
APIS = ("anima", "opticomm", "athos", "hum")
#: The extension of OpenAPI that marks an operation with consequences (`switchboard.edge.openapi`).
CONSEQUENTIAL = "x-consequential"
_METHODS = ("get", "put", "post", "delete", "patch")
_JSON = "application/json"
#: Some operations do several things: the field of the body that says which, and the values without consequences.
_HARMLESS_ACTIONS = {"opticomm.externalApiAction": ("action", frozenset({"check_status"}))}
_MAX_SUGGESTIONS = 5

_STREAM = "It is a live stream, which a tool cannot pass on: connect to it directly."
_FILE = "Its body is not JSON but {media}: send it over HTTP directly."
_PUBLIC = "It needs no credential and is for browsers and new customers: call it over HTTP directly."
_OTHER_CREDENTIAL = "It needs a credential of its own ({scheme}), which this server does not accept: call it directly."


class ApiDocument:
    """An API's OpenAPI document."""

    def __init__(self, api: str, raw: Json) -> None:
        self.api, self.raw = api, raw

    def resolve(self, node: Json) -> Json:
        """Returns the object that a reference names. Another object is returned as it is."""
        reference = node.get("$ref")
        if reference is None:
            return node
        found: Any = self.raw
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        return self.resolve(found) | {key: value for key, value in node.items() if key != "$ref"}

    @cached_property
    def _root(self) -> Validator:
        return Draft202012Validator(self.raw)

    def validator_of(self, schema: Json) -> Validator:
        """Returns a validator of a schema of this document. References lead into the document."""
        return self._root.evolve(schema=schema)


@dataclass(frozen=True, eq=False)
class ApiOperation:
    """An operation of an API document. `id` names its API too: `hum.listContacts`."""

    document: ApiDocument
    id: str
    method: str
    path: str
    raw: Json

    @property
    def api(self) -> str:
        """The name of the operation's API."""
        return self.document.api

    @property
    def summary(self) -> str:
        """The operation's summary."""
        return str(self.raw["summary"])

    @property
    def description(self) -> str:
        """The operation's description."""
        return str(self.raw.get("description", ""))

    @cached_property
    def parameters(self) -> list[Json]:
        """The parameters of the path and the query, and the Idempotency-Key if the operation accepts one."""
        found = [self.document.resolve(one) for one in self.raw.get("parameters", ())]
        return [one for one in found if one["in"] in ("path", "query") or one["name"] == "Idempotency-Key"]

    @property
    def body_schema(self) -> Json | None:
        """The schema of the JSON body, `None` without one."""
        schema: Json | None = self._content.get(_JSON, {}).get("schema")
        return schema

    @property
    def requires_body(self) -> bool:
        """Whether the operation needs a body."""
        return bool(self.raw.get("requestBody", {}).get("required"))

    @property
    def _content(self) -> Mapping[str, Json]:
        content: Mapping[str, Json] = self.raw.get("requestBody", {}).get("content", {})
        return content

    @property
    def is_consequential(self) -> bool:
        """Whether the operation needs a confirmation, at least with some bodies."""
        return bool(self.raw.get(CONSEQUENTIAL))

    def needs_confirmation(self, body: Any) -> bool:
        """Whether the operation needs a confirmation with this body."""
        field, harmless = _HARMLESS_ACTIONS.get(self.id, ("", frozenset[str]()))
        action = body.get(field) if isinstance(body, dict) else None
        return self.is_consequential and not (isinstance(action, str) and action in harmless)

    @cached_property
    def refusal(self) -> str | None:
        """Says why a tool cannot call this operation, with advice. `None` if it can."""
        answered = (self.document.resolve(one) for one in self.raw["responses"].values())
        if any("text/event-stream" in one.get("content", {}) for one in answered):
            return _STREAM
        if self._content and _JSON not in self._content:
            return _FILE.format(media=" or ".join(self._content))
        security = self.raw.get("security")
        if security == []:
            return _PUBLIC
        if security:
            return _OTHER_CREDENTIAL.format(scheme=next(iter(security[0])))
        return None


class Catalog:
    """All operations, by their ids."""

    def __init__(self, documents: Mapping[str, Json]) -> None:
        made = (one for api, raw in documents.items() for one in _operations(ApiDocument(api, raw)))
        self.operations = {one.id: one for one in made}
        self._plain: dict[str, list[ApiOperation]] = {}
        for one in self.operations.values():
            self._plain.setdefault(one.id.partition(".")[2], []).append(one)

    def find_operations(self, name: str) -> list[ApiOperation]:
        """Returns the operation with this id, or all with this id in any API. An unknown id returns an empty list."""
        known = self.operations.get(name)
        return [known] if known else list(self._plain.get(name, ()))

    def suggest_ids(self, name: str) -> list[str]:
        """Returns the ids that are spelled most like a name."""
        plain = {one.lower(): one for one in self._plain}
        near = get_close_matches(name.rpartition(".")[2].lower(), plain, n=_MAX_SUGGESTIONS, cutoff=0.5)
        return [one.id for found in near for one in self._plain[plain[found]]][:_MAX_SUGGESTIONS]


def read_catalog() -> Catalog:
    """Reads the documents that the portal serves."""
    return Catalog({api: json.loads((DOCUMENTS / f"{api}.json").read_text()) for api in APIS})


def _operations(document: ApiDocument) -> Iterator[ApiOperation]:
    for path, methods in document.raw["paths"].items():
        for method in _METHODS:
            if raw := methods.get(method):
                yield ApiOperation(document, f"{document.api}.{raw['operationId']}", method.upper(), path, raw)
