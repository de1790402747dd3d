"""The reference of an API as Markdown, made from its OpenAPI document: every operation with its fields and errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from functions.portal import files

Json = dict[str, Any]

_METHODS = ("get", "put", "post", "delete", "patch")
_SAMPLES = "x-codeSamples"
#: Deeper fields stand in the OpenAPI document. They are rare, and a table of them is hard to read.
_DEPTH = 3
#: These constraints are part of a field's description.
_LIMITS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "maxItems": "at most {} entries",
}
_EVENTS = """\
The [list of events](/docs/guides/webhook-events.md) has the fields of each body. The
[guide of webhook signatures](/docs/guides/webhook-signatures.md) says how to verify a delivery.
"""


@dataclass(frozen=True)
class ReferenceOperation:
    """An operation of a document."""

    method: str
    path: str
    raw: Json

    @property
    def summary(self) -> str:
        return str(self.raw["summary"])

    @property
    def anchor(self) -> str:
        """The anchor that the renderer of the reference page gives to the operation."""
        tag = re.sub(r"[^\w]+", "-", self.raw["tags"][0].lower()).strip("-")
        return f"tag/{tag}/{self.method}{self.path}"


@cache
def list_operations(name: str) -> list[ReferenceOperation]:
    """Returns the operations of an API in the order of its tags."""
    document = _read_document(name)
    order = [tag["name"] for tag in document["tags"]]
    found = [
        ReferenceOperation(method.upper(), path, item[method])
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    ]
    return sorted(found, key=lambda one: order.index(one.raw["tags"][0]))


@cache
def write_reference(name: str) -> str:
    """Returns the reference of an API. Links begin at the home page."""
    document = _read_document(name)
    writer = _ReferenceWriter(document["components"])
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    lines = [f"# {document['info']['title']}\n", document["info"]["description"]]
    lines += ["## Keys\n", *writer.write_schemes(), ""]
    lines.append(
        f"The [OpenAPI document](/openapi/{name}.json) has every detail. [Errors](/errors) explains each code.\n"
    )
    shown = None
    for one in list_operations(name):
        if (tag := one.raw["tags"][0]) != shown:
            lines.append(f"## {tag}\n\n{tags[tag]}\n")
            shown = tag
        lines += writer.write_operation(one)
    if webhooks := document.get("webhooks"):
        lines.append("## Events of webhooks\n")
        lines.append(_EVENTS)
        lines += [f"- `{event}`: {item['post']['summary']}" for event, item in webhooks.items()]
    return "\n".join(lines).rstrip() + "\n"


@cache
def _read_document(name: str) -> Json:
    file = files.find_document(name)
    assert file is not None, f"there is no document {name}: run `python -m infra.openapi`"
    document: Json = json.loads(file.text)
    return document


@dataclass(frozen=True)
class _ReferenceWriter:
    """Writes operations. `components` holds the objects that they refer to."""

    components: Json

    def write_schemes(self) -> Iterator[str]:
        for name, scheme in self.components["securitySchemes"].items():
            place = "`Authorization: Bearer KEY`" if scheme["type"] == "http" else f"{scheme['in']} `{scheme['name']}`"
            yield f"- {name}: {place}. {scheme.get('description', '')}".rstrip()

    def write_operation(self, one: ReferenceOperation) -> Iterator[str]:
        yield f"### {one.summary}\n"
        yield f"`{one.method} {one.path}`\n"
        if "description" in one.raw:
            yield f"{one.raw['description']}\n"
        if one.raw.get("security") == []:
            yield "No key is needed.\n"
        parameters = [self._resolve(parameter) for parameter in one.raw.get("parameters", [])]
        if parameters:
            yield "Parameters:\n\n| name | in | type | meaning |\n|---|---|---|---|"
            for parameter in parameters:
                type_ = self._name_type(parameter["schema"], required=parameter.get("required", False))
                yield _row(f"`{parameter['name']}`", parameter["in"], type_, parameter.get("description", ""))
            yield ""
        if "requestBody" in one.raw:
            yield from self._write_content("Body", one.raw["requestBody"]["content"])
        samples = [sample["source"] for sample in one.raw.get(_SAMPLES, []) if sample["lang"] == "bash"]
        for sample in samples:
            yield f"Example:\n\n```sh\n{sample}\n```\n"
        yield from self._write_responses(one.raw["responses"])

    def _write_responses(self, responses: Json) -> Iterator[str]:
        refused = []
        for status, given in responses.items():
            response = self._resolve(given)
            if status.startswith(("4", "5")):
                refused.append(f"- {status}: {_one_line(response['description'])}")
                continue
            yield f"Response {status}: {_one_line(response['description'])}\n"
            yield from self._write_content("Fields", response.get("content", {}))
        if refused:
            yield "Errors:\n"
            yield from refused
            yield ""

    def _write_content(self, label: str, content: Json) -> Iterator[str]:
        for media_type, given in content.items():
            rows = list(self._list_fields(given.get("schema", {}), "", _DEPTH))
            yield f"{label} (`{media_type}`)" + (":\n" if rows else "\n")
            if rows:
                yield "| field | type | meaning |\n|---|---|---|"
                yield from dict.fromkeys(rows)
                yield ""

    def _list_fields(self, given: Json, above: str, depth: int) -> Iterator[str]:
        """Yields a row for each field of a schema and of its nested objects."""
        for schema in self._list_alternatives(given):
            if schema.get("type") == "array":
                yield from self._list_fields(schema["items"], above.removesuffix(".") + "[].", depth)
            required = schema.get("required", ())
            for name, field in schema.get("properties", {}).items():
                type_ = self._name_type(field, required=name in required)
                yield _row(f"`{above}{name}`", type_, self._describe(field))
                if depth > 1:
                    yield from self._list_fields(field, f"{above}{name}.", depth - 1)

    def _list_alternatives(self, given: Json) -> list[Json]:
        schema = self._resolve(given)
        parts = [part for key in ("anyOf", "oneOf", "allOf") for part in schema.get(key, ())]
        return [one for part in parts for one in self._list_alternatives(part)] or [schema]

    def _name_type(self, schema: Json, *, required: bool) -> str:
        words = dict.fromkeys(self._name_one_type(one) for one in self._list_alternatives(schema))
        return " or ".join(words) + ("" if required else ", optional")

    def _name_one_type(self, schema: Json) -> str:
        if "const" in schema:
            return f"`{schema['const']}`"
        if "enum" in schema:
            return " or ".join(f"`{json.dumps(word) if word is None else word}`" for word in schema["enum"])
        if schema.get("type") == "array":
            return f"list of {self._name_type(schema['items'], required=True)}"
        return str(schema.get("format") or schema.get("type", "any JSON"))

    def _describe(self, given: Json) -> str:
        schema = self._resolve(given)
        limits = [words.format(schema[key]) for key, words in _LIMITS.items() if key in schema]
        default = [f"default `{json.dumps(schema['default'])}`"] if schema.get("default") is not None else []
        meaning = given.get("description") or schema.get("description", "")
        limit = ", ".join([*limits, *default])
        return f"{meaning} ({limit})" if meaning and limit else meaning or limit

    def _resolve(self, given: Json) -> Json:
        if "$ref" not in given:
            return given
        _, _, kind, name = given["$ref"].split("/")
        found: Json = self.components[kind][name]
        return found | {key: value for key, value in given.items() if key != "$ref"}


def _row(*cells: str) -> str:
    return "| " + " | ".join(_one_line(cell).replace("|", "\\|") for cell in cells) + " |"


def _one_line(text: str) -> str:
    return " ".join(text.split())
