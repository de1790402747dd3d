"""Makes the JSON Schema of a model of a webhook's body, and an example that fits it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NotRequired, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter, create_model
from pydantic.json_schema import GenerateJsonSchema

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
MOMENT = "2026-01-15T17:00:00.000Z"
#: Texts for fields without an example of their own. The first that fits the pattern of the field is used.
_TEXTS = ("text", "0" * 64, MOMENT, "2026-01-15", "external.word")


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out the titles of fields: they repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 the signature of pydantic
        return False


def body_schema(model: type[BaseModel]) -> Schema:
    """Returns the JSON Schema of the bodies that a model writes."""
    found = model.model_json_schema(by_alias=True, mode="serialization", schema_generator=_WithoutTitles)
    found.pop("title", None)
    for part in found.get("$defs", {}).values():
        part.pop("title", None)
    return {"$schema": _DIALECT, **found}


def typed_schema(body: type[Mapping[str, object]], **constants: str) -> Schema:
    """Returns the JSON Schema of a body that is a TypedDict. `constants` are the texts of fields that never vary."""
    found = TypeAdapter(body).json_schema(mode="serialization", schema_generator=_WithoutTitles)
    for part in (found, *found.get("$defs", {}).values()):
        part.pop("title", None)
    for name, text in constants.items():
        found["properties"][name] = {"const": text, **_described(found["properties"][name])}
    return {"$schema": _DIALECT, **found}


def _described(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key == "description"}


def omit_fields(view: type[BaseModel], name: str, *omitted: str) -> type[BaseModel]:
    """Returns a model with the fields of a view except some, for a body that has a part of the view."""
    missing = set(omitted) - view.model_fields.keys()
    assert not missing, f"{view.__name__} has no {sorted(missing)}"
    kept: dict[str, Any] = {
        field: (info.annotation, info) for field, info in view.model_fields.items() if field not in omitted
    }
    return create_model(name, **kept)


def row_schema(data: type[Mapping[str, object]]) -> Schema:
    """Returns the JSON Schema of the data of an event's row, with the meanings that stand beside its types."""
    schema = TypeAdapter(data).json_schema(mode="serialization", schema_generator=_WithoutTitles)
    schema.pop("title", None)
    for name, given in get_type_hints(data, include_extras=True).items():
        hint = get_args(given)[0] if get_origin(given) is NotRequired else given
        meaning = next((part for part in getattr(hint, "__metadata__", ()) if isinstance(part, str)), None)
        if meaning:
            schema["properties"][name] = {**schema["properties"][name], "description": meaning}
    return schema


def make_example(schema: Schema, samples: Mapping[str, Any]) -> Any:
    """Returns a value that fits a schema. `samples` has the values of fields by name or by path, where they fit."""
    return _Examples(schema, samples).make("", schema)


class _Examples:
    def __init__(self, root: Schema, samples: Mapping[str, Any]) -> None:
        self._root = root
        self._samples = samples

    def make(self, path: str, schema: Schema) -> Any:
        if "$ref" in schema:
            return self.make(path, self._root["$defs"][schema["$ref"].rpartition("/")[2]])
        if "const" in schema:
            return schema["const"]
        if "anyOf" in schema:
            return self._make_alternative(path, schema["anyOf"])
        known, sample = self._find_sample(path)
        if "enum" in schema:
            return sample if known and sample in schema["enum"] else schema["enum"][0]
        if "properties" in schema:
            return {name: self.make(f"{path}.{name}".lstrip("."), part) for name, part in schema["properties"].items()}
        return sample if known else self._make_plain(path, schema)

    def _find_sample(self, path: str) -> tuple[bool, Any]:
        for key in (path, path.rpartition(".")[2]):
            if key in self._samples:
                return True, self._samples[key]
        return False, None

    def _make_alternative(self, path: str, alternatives: list[Schema]) -> Any:
        known, sample = self._find_sample(path)
        if known and sample is None and {"type": "null"} in alternatives:
            return None
        return self.make(path, next(one for one in alternatives if one != {"type": "null"}))

    def _make_plain(self, path: str, schema: Schema) -> Any:
        match schema.get("type"):
            case "array":
                return [self.make(path, schema["items"])]
            case "string":
                return next(text for text in _TEXTS if re.search(schema.get("pattern", ""), text))
            case "boolean":
                return False
            case "integer" | "number":
                return 1
        return {}
