"""An API's OpenAPI document, from the routes and models of its groups.

Powertools describes each group by itself. What it cannot know is added here, from what the edge knows of every
operation: the refusals of the pipeline, the headers of every answer, who may call. What it gets wrong is set right:
a 422 that nobody sends, error answers with the shape of the success, same-named models that replace each other.

No Lambda function imports this: `python -m infra.openapi` writes the documents that the portal serves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from switchboard.edge import idempotency
from switchboard.edge.api import Api
from switchboard.edge.bodies import Json as JsonBody
from switchboard.edge.call import Operation
from switchboard.edge.multipart import Multipart
from switchboard.team.permissions import roles_with

Json = dict[str, Any]

_VERSION = "3.1.0"
_PARAMETER = re.compile(r"<(\w+)>")
_REFERENCE = "#/components/schemas/"
#: Models of Powertools' own answers, which the dialects replace.
_FOREIGN = frozenset({"HTTPValidationError", "ValidationError", "ResponseValidationError"})
#: JSON Schema keywords whose values are data, and keywords whose values map names to schemas.
_DATA = frozenset({"const", "default", "enum", "example", "examples"})
_MAPS = frozenset({"properties", "patternProperties", "$defs"})


class DocumentError(ValueError):
    """The groups of an API do not make one document."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An error answer: its name among the components, what it means, and one as it may look.

    `schema` names that of an error which is not like the others.
    """

    name: str
    meaning: str
    example: Json
    headers: tuple[str, ...] = ()
    schema: str | None = None


@dataclass(frozen=True, kw_only=True)
class Description:
    """What an API's document says beyond its routes."""

    title: str
    version: str
    text: str
    #: The tags in the order of the page, and what each is about; those that the groups tell of come behind them.
    tags: Mapping[str, str]
    security: Mapping[str, Json]
    #: The schema of every error, by its name, and its media type. `other_errors` are those of errors that differ.
    error: str
    error_schema: Json
    error_type: str
    other_errors: Mapping[str, Json] = field(default_factory=dict)
    #: Every status that an operation may refuse with.
    refusals: Mapping[int, Refusal]
    #: Header components by header, and which of them every answer carries.
    headers: Mapping[str, Json]
    always: Sequence[str]
    #: Further ways to authenticate, each of operations that name it.
    schemes: Mapping[str, Json] = field(default_factory=dict)
    #: Header parameters that every operation takes.
    parameters: Mapping[str, Json] = field(default_factory=dict)
    #: What a contract calls a path's variables, by what the routes call them.
    variables: Mapping[str, str] = field(default_factory=dict)
    #: The Idempotency-Key parameter, where the dialect has one.
    idempotency_key: Json | None = None


def document(apis: Sequence[Api], description: Description) -> Json:
    """The document of an API made of these groups. Raises DocumentError where they contradict each other."""
    tags = {**description.tags, **{name: text for api in apis for name, text in api.tags.items()}}
    description = replace(description, tags=tags)
    schemas: Json = {description.error: description.error_schema, **description.other_errors}
    paths: Json = {}
    taken: set[str] = set()
    for api in apis:
        raw = json.loads(
            api.router.resolver.get_openapi_json_schema(title=description.title, version=description.version)
        )
        _merge(schemas, raw.get("components", {}).get("schemas", {}), api.group)
        for operation in api.router.operations:
            path, method = _PARAMETER.sub(r"{\1}", operation.path), operation.method.lower()
            told = _operation(raw["paths"][path][method], operation, schemas, description)
            path = _named(path, told, description.variables)
            if told["operationId"] in taken or method in paths.get(path, {}):
                raise DocumentError(f"{method} {path} ({told['operationId']}) is served twice")
            taken.add(told["operationId"])
            paths.setdefault(path, {})[method] = told
    return {
        "openapi": _VERSION,
        "info": {"title": description.title, "version": description.version, "description": description.text},
        "servers": [{"url": "/", "description": "The host that serves this document."}],
        "tags": [{"name": name, "description": text} for name, text in description.tags.items()],
        "security": [{name: []} for name in description.security],
        "paths": paths,
        "components": _components(schemas, paths, description),
    }


def _named(path: str, told: Json, names: Mapping[str, str]) -> str:
    """A path with its variables called as the contract calls them. Its parameters are renamed with them."""
    for parameter in told["parameters"]:
        if parameter.get("in") == "path" and parameter["name"] in names:
            path = path.replace(f"{{{parameter['name']}}}", f"{{{names[parameter['name']]}}}")
            parameter["name"] = names[parameter["name"]]
    return path


def _merge(schemas: Json, more: Json, group: str) -> None:
    for name, schema in more.items():
        if name in _FOREIGN:
            continue
        clean = _in_order(_clean(schema))
        # Pydantic spells out the module of models that share a name within one group.
        if "__" in name or schemas.setdefault(name, clean) != clean:
            raise DocumentError(f"group {group}: another model is called {name.rpartition('__')[2]} too; rename one")


def _clean(node: Any) -> Any:
    """A schema without what says nothing: titles made from names, `100.0` for `100`."""
    if isinstance(node, list):
        return [_clean(part) for part in node]
    if not isinstance(node, dict):
        return int(node) if isinstance(node, float) and node.is_integer() else node
    clean: Json = {}
    for key, value in node.items():
        if key == "title":
            continue
        if key in _MAPS:
            clean[key] = {name: _clean(part) for name, part in value.items()}
        else:
            clean[key] = value if key in _DATA else _clean(value)
    return clean


def _in_order(schema: Json) -> Json:
    """A schema with the members of its examples in the order of its properties; pydantic sorts them."""
    names = list(schema.get("properties", {}))
    if "examples" in schema:
        schema["examples"] = [
            {name: example[name] for name in names if name in example} for example in schema["examples"]
        ]
    return schema


def _operation(raw: Json, operation: Operation, schemas: Json, description: Description) -> Json:
    told: Json = {key: raw[key] for key in ("tags", "summary", "description", "operationId") if key in raw}
    if unknown := set(told["tags"]) - set(description.tags):
        raise DocumentError(f"the description says nothing of the tag {unknown.pop()}")
    if operation.keys:
        kinds = " or ".join(f"`{kind.value}`" for kind in sorted(operation.keys))
        told["description"] = " ".join(filter(None, (told.get("description"), f"Takes a key of kind {kinds}.")))
    if operation.permission:
        roles = " or ".join(f"`{role}`" for role in roles_with(operation.permission))
        needs = f"Takes the role {roles} (`{operation.permission}`)."
        told["description"] = " ".join(filter(None, (told.get("description"), needs)))
    if operation.scheme:
        told["security"] = [{operation.scheme.name: []}]
    elif operation.public or operation.signed:
        told["security"] = []
    told["parameters"] = [_parameter(one) for one in raw.get("parameters", [])]
    told["parameters"] += [{"$ref": f"#/components/parameters/{name}"} for name in description.parameters]
    if keyed := operation.idempotent and description.idempotency_key is not None:
        told["parameters"].append(_key_parameter(operation))
    if body := _body(raw, operation, schemas):
        told["requestBody"] = body
    told["responses"] = {
        status: _answer(status, raw["responses"].get(status), keyed, schemas, description)
        for status in sorted(
            {str(status) for status in _refusals(operation, keyed, told["parameters"])}
            | raw["responses"].keys() - {"422"}
        )
    }
    return told


def _body(raw: Json, operation: Operation, schemas: Json) -> Json | None:
    """The body: Powertools knows of the model, and the operation's kind of body of all else."""
    known: Json | None = _clean(raw["requestBody"]) if "requestBody" in raw else None
    if isinstance(operation.body, JsonBody) or not operation.takes_body:
        return known
    model = known and known["content"]["application/json"]["schema"]
    if isinstance(operation.body, Multipart) and model:
        # A form's model is written out: its file stands among its fields.
        model = schemas[model["$ref"].removeprefix(_REFERENCE)]
    return {"content": operation.body.content(model), "required": True}


def _parameter(raw: Json) -> Json:
    """A parameter. One that may be left out is never null, whatever its Python type says."""
    told: Json = _clean(raw)
    if not told.get("required"):
        told.pop("required", None)
    schema = told["schema"]
    real = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if len(real) == 1:
        told["schema"] = {key: value for key, value in schema.items() if key != "anyOf"} | real[0]
    if "description" in told["schema"]:
        told.setdefault("description", told["schema"].pop("description"))
    return told


def _key_parameter(operation: Operation) -> Json:
    return {"$ref": f"#/components/parameters/{'StrangersIdempotencyKey' if operation.public else 'IdempotencyKey'}"}


def _refusals(operation: Operation, keyed: bool, parameters: Sequence[Json]) -> Iterator[int]:
    """The statuses with which the pipeline itself refuses."""
    yield from (429, 500)
    if operation.takes_body or any(parameter.get("in") != "path" for parameter in parameters):
        yield 400
    if operation.signed:
        yield 403
    elif not operation.public:
        yield from (401, 403)
    if operation.takes_body:
        yield 413
        if operation.body.media_types:
            yield 415
    if keyed:
        yield from (409, 503)


def _answer(status: str, raw: Json | None, keyed: bool, schemas: Json, description: Description) -> Json:
    refusal = description.refusals.get(int(status))
    if refusal:
        reference = {"$ref": f"#/components/responses/{refusal.name}"}
        # What Powertools says of a 500 is not ours.
        return reference | ({"description": raw["description"]} if raw and status != "500" else {})
    if raw is None or not status.startswith(("2", "3")):
        raise DocumentError(f"the description says nothing of the status {status}")
    told: Json = {"description": raw["description"], "headers": _headers(description.always)}
    if keyed:
        told["headers"] |= _headers(("Idempotent-Replayed",))
    if "content" in raw:
        told["content"] = _clean(raw["content"])
        model = schemas.get(_model(told["content"]), {})
        told["description"] = model.get("description", told["description"])
    return told


def _model(content: Json) -> str:
    reference: str = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    return reference.removeprefix(_REFERENCE)


def _component(header: str) -> str:
    return "".join(part[0].upper() + part[1:] for part in header.split("-"))


def _headers(names: Sequence[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{_component(name)}"} for name in names}


def _components(schemas: Json, paths: Json, description: Description) -> Json:
    responses = {refusal.name: _refusal(refusal, description) for refusal in description.refusals.values()}
    used = _reachable((paths, responses), schemas)
    parameters = dict(description.parameters)
    if description.idempotency_key:
        key, shortest = description.idempotency_key, idempotency.SHORTEST_UNAUTHENTICATED
        parameters["IdempotencyKey"] = key
        parameters["StrangersIdempotencyKey"] = key | {
            "description": f"{key['description']} Without an API key it takes {shortest} characters or more.",
            "schema": key["schema"] | {"minLength": shortest},
        }
    return {
        "securitySchemes": {**description.security, **description.schemes},
        "parameters": parameters,
        "headers": {_component(name): header for name, header in description.headers.items()},
        "responses": responses,
        "schemas": {name: schemas[name] for name in sorted(used)},
    }


def _refusal(refusal: Refusal, description: Description) -> Json:
    schema = {"$ref": _REFERENCE + (refusal.schema or description.error)}
    return {
        "description": refusal.meaning,
        "headers": _headers((*description.always, *refusal.headers)),
        "content": {description.error_type: {"schema": schema, "example": refusal.example}},
    }


def _reachable(start: Any, schemas: Json) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            name = str(node.get("$ref", "")).removeprefix(_REFERENCE)
            if name in schemas and name not in found:
                found.add(name)
                waiting.append(schemas[name])
            waiting += node.values()
        elif isinstance(node, list | tuple):
            waiting += node
    return found
