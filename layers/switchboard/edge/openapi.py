"""Builds the OpenAPI document of an API from the routes and models of its groups.

Powertools describes each group separately. This module adds facts from the edge's operations: the pipeline's errors,
the headers of every response, and the allowed callers. It also corrects Powertools: it removes the unused 422, replaces
error responses that have the schema of the success and bodies of redirects, and rejects models of the same name.

No Lambda function imports this module. `python -m infra.openapi` writes the documents that the portal serves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from switchboard.edge import idempotency
from switchboard.edge.api import Api
from switchboard.edge.bodies import JsonBody
from switchboard.edge.code_samples import CODE_SAMPLES, code_samples
from switchboard.edge.descriptions import ApiDescription, ErrorDescription, Json, OperationFacts
from switchboard.edge.document_headers import LOCATION
from switchboard.edge.multipart import MultipartBody
from switchboard.edge.router import Operation
from switchboard.team.permissions import roles_with

_VERSION = "3.1.0"
#: The mark of operations that change data, send something or cost money. Our server for models (docs/mcp-server.md)
#: asks for a confirmation before it calls one.
CONSEQUENTIAL = "x-consequential"
#: The methods that change nothing (RFC 9110, 9.2.1).
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PARAMETER = re.compile(r"<(\w+)>")
_REFERENCE = "#/components/schemas/"
#: The ending of the classes of responses. It says nothing to a reader of the document.
_VIEW = "View"
#: Models of Powertools' own responses. The dialects replace these responses.
_FOREIGN = frozenset({"HTTPValidationError", "ValidationError", "ResponseValidationError"})
#: JSON Schema keywords whose values are data, and keywords whose values map names to schemas.
_DATA = frozenset({"const", "default", "enum", "example", "examples"})
_MAPS = frozenset({"properties", "patternProperties", "$defs"})


class DocumentError(ValueError):
    """The groups of an API contradict each other or the description."""


def build_document(apis: Sequence[Api], description: ApiDescription) -> Json:
    """Returns the document of an API with these groups. Raises DocumentError if they contradict each other."""
    tags = {**description.tags, **{name: text for api in apis for name, text in api.tags.items()}}
    description = replace(description, tags=tags)
    schemas: Json = {description.error: description.error_schema, **description.other_errors}
    paths: Json = {}
    taken: set[str] = set()
    sampled: list[tuple[str, Json, Operation]] = []
    classes: dict[str, str] = {}
    for api in apis:
        raw = _with_public_names(
            api.router.resolver.get_openapi_json_schema(title=description.title, version=description.version), classes
        )
        _merge_schemas(schemas, raw.get("components", {}).get("schemas", {}), api.group)
        for operation in api.router.operations:
            path, method = _PARAMETER.sub(r"{\1}", operation.path), operation.method.lower()
            keyed = api.dialect.idempotency_key and operation.idempotent and description.idempotency_key is not None
            told = _operation(raw["paths"][path][method], operation, schemas, description, keyed=keyed)
            path = _with_contract_names(path, told, description.contract_variable)
            if told["operationId"] in taken or method in paths.get(path, {}):
                raise DocumentError(f"{method} {path} ({told['operationId']}) is served twice")
            taken.add(told["operationId"])
            paths.setdefault(path, {})[method] = told
            sampled.append((path, told, operation))
    components = _components(schemas, paths, description)
    for path, told, operation in sampled:
        told[CODE_SAMPLES] = code_samples(path, told, operation, components, description.sample_variables)
    return {
        "openapi": _VERSION,
        "info": {"title": description.title, "version": description.version, "description": description.text},
        "servers": [{"url": "/", "description": "The host that serves this document."}],
        "tags": [{"name": name, "description": text} for name, text in description.tags.items()],
        "security": [{name: []} for name in description.security],
        "paths": paths,
        "components": components,
    }


def _with_public_names(text: str, classes: dict[str, str]) -> Json:
    """Returns a group's document with the public names of its schemas: a class `CallView` is the schema `Call`.

    `classes` has the class of each public name so far. Raises DocumentError if two classes have the same public name.
    """
    raw: Json = json.loads(text)
    schemas: Json = raw.get("components", {}).get("schemas", {})
    names = {name: name.removesuffix(_VIEW) for name in schemas if name not in _FOREIGN}
    for name, public in names.items():
        if classes.setdefault(public, name) != name:
            raise DocumentError(f"{name} and {classes[public]} are both called {public} in the document: rename one")
    raw = _renamed(raw, names)
    if schemas:
        schemas = raw["components"]["schemas"]
        raw["components"]["schemas"] = {names.get(name, name): schema for name, schema in schemas.items()}
    return raw


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    """Returns a document whose references have the new names of the schemas."""
    if isinstance(node, list):
        return [_renamed(part, names) for part in node]
    if not isinstance(node, dict):
        return node
    found = {key: _renamed(part, names) for key, part in node.items()}
    reference = node.get("$ref")
    if isinstance(reference, str) and (name := reference.removeprefix(_REFERENCE)) in names:
        found["$ref"] = _REFERENCE + names[name]
    return found


def _with_contract_names(path: str, told: Json, contract_variable: Callable[[str], str]) -> str:
    """Returns a path with the contract's names of its variables. Renames the operation's parameters too."""
    for parameter in told["parameters"]:
        if parameter.get("in") == "path":
            name = contract_variable(parameter["name"])
            path = path.replace(f"{{{parameter['name']}}}", f"{{{name}}}")
            parameter["name"] = name
    return path


def _merge_schemas(schemas: Json, more: Json, group: str) -> None:
    for name, schema in more.items():
        if name in _FOREIGN:
            continue
        clean = _in_order(_without_noise(schema))
        # Pydantic adds the module's name if two models of one group share a name.
        if "__" in name or schemas.setdefault(name, clean) != clean:
            raise DocumentError(f"group {group}: another model is called {name.rpartition('__')[2]} too; rename one")


def _without_noise(node: Any) -> Any:
    """Returns a schema without noise: no titles that repeat names, and `100` instead of `100.0`."""
    if isinstance(node, list):
        return [_without_noise(part) for part in node]
    if not isinstance(node, dict):
        return int(node) if isinstance(node, float) and node.is_integer() else node
    clean: Json = {}
    for key, value in node.items():
        if key == "title":
            continue
        if key in _MAPS:
            clean[key] = {name: _without_noise(part) for name, part in value.items()}
        else:
            clean[key] = value if key in _DATA else _without_noise(value)
    return clean


def _in_order(schema: Json) -> Json:
    """Orders the members of a schema's examples like its properties. Pydantic sorts them by name."""
    names = list(schema.get("properties", {}))
    if "examples" in schema:
        schema["examples"] = [
            {name: example[name] for name in names if name in example} for example in schema["examples"]
        ]
    return schema


def _operation(raw: Json, operation: Operation, schemas: Json, description: ApiDescription, *, keyed: bool) -> Json:
    told: Json = {key: raw[key] for key in ("tags", "summary", "description", "operationId") if key in raw}
    if unknown := set(told["tags"]) - set(description.tags):
        raise DocumentError(
            f"the tag {unknown.pop()} has no description: add it to the tags of the group or of the API"
        )
    if operation.method not in _SAFE and told["operationId"] not in description.harmless:
        told[CONSEQUENTIAL] = True
    if operation.keys:
        kinds = " or ".join(f"`{kind.value}`" for kind in sorted(operation.keys))
        told["description"] = " ".join(filter(None, (told.get("description"), f"Requires a key of kind {kinds}.")))
    if operation.permission:
        roles = " or ".join(f"`{role}`" for role in roles_with(operation.permission))
        needs = f"Requires the role {roles} (`{operation.permission}`)."
        told["description"] = " ".join(filter(None, (told.get("description"), needs)))
    if operation.public or operation.signed:
        told["security"] = []
    elif operation.scheme:
        told["security"] = [{operation.scheme.name: []}]
    told["parameters"] = [_parameter(one) for one in raw.get("parameters", [])]
    told["parameters"] += [{"$ref": f"#/components/parameters/{name}"} for name in description.parameters]
    if keyed:
        told["parameters"].append(_key_parameter(operation))
    if body := _body(raw, operation, schemas):
        told["requestBody"] = body
    told["responses"] = {
        status: _fitted(
            status,
            _response(status, raw["responses"].get(status), keyed, schemas, description, raw["summary"]),
            _facts(raw["responses"].get(status), told, schemas),
            description,
        )
        for status in sorted(
            {str(status) for status in _error_statuses(operation, keyed, told["parameters"])}
            | raw["responses"].keys() - {"422"}
        )
    }
    return told


def _body(raw: Json, operation: Operation, schemas: Json) -> Json | None:
    """Returns the request body. Powertools provides the model; the operation's kind of body provides the rest."""
    known: Json | None = _without_noise(raw["requestBody"]) if "requestBody" in raw else None
    if isinstance(operation.body, JsonBody) or not operation.takes_body:
        return known
    model = known and known["content"]["application/json"]["schema"]
    if isinstance(operation.body, MultipartBody) and model:
        # The model is inlined, because the file is one more field of it.
        model = schemas[model["$ref"].removeprefix(_REFERENCE)]
    needed = operation.body.required and bool(operation.body.media_types)
    return {"content": operation.body.openapi_content(model), "required": needed}


def _parameter(raw: Json) -> Json:
    """Returns a parameter. An optional parameter is never null, even if its Python type allows `None`."""
    told: Json = _without_noise(raw)
    if not told.get("required"):
        told.pop("required", None)
    if told["in"] == "header":
        told["name"] = _header_name(told["name"])
    schema = told["schema"]
    real = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if len(real) == 1:
        told["schema"] = {key: value for key, value in schema.items() if key != "anyOf"} | real[0]
    if "description" in told["schema"]:
        told.setdefault("description", told["schema"].pop("description"))
    return told


def _header_name(name: str) -> str:
    """Returns a header in its usual spelling, such as `Last-Event-ID`. Powertools has small letters."""
    return "-".join("ID" if part == "id" else part.capitalize() for part in name.lower().split("-"))


def _key_parameter(operation: Operation) -> Json:
    # The clients of a scheme of its own have no API key either (`idempotency.effect_of`).
    stranger = operation.public or operation.scheme is not None
    return {"$ref": f"#/components/parameters/{'StrangersIdempotencyKey' if stranger else 'IdempotencyKey'}"}


def _error_statuses(operation: Operation, keyed: bool, parameters: Sequence[Json]) -> Iterator[int]:
    """Yields the error statuses of the pipeline itself."""
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


def _response(
    status: str, raw: Json | None, keyed: bool, schemas: Json, description: ApiDescription, summary: str
) -> Json:
    refusal = description.refusals.get(int(status))
    if refusal:
        reference = {"$ref": f"#/components/responses/{refusal.name}"}
        # Powertools' description of a 500 does not fit our response.
        return reference | ({"description": raw["description"]} if raw and status != "500" else {})
    if raw is None or not status.startswith(("2", "3")):
        raise DocumentError(f"the status {status} has no description: add it to the API's refusals")
    told: Json = {"description": raw["description"], "headers": _headers(description.always)}
    if keyed:
        told["headers"] |= _headers(("Idempotent-Replayed",))
    if status.startswith("3"):
        # Powertools describes a JSON body, but a redirect has none.
        told["headers"]["Location"] = LOCATION
        told["description"] = (
            "Redirects to the place in `Location`." if raw["description"] == summary else raw["description"]
        )
    elif "content" in raw:
        told["content"] = _without_noise(raw["content"])
        model = schemas.get(_model(told["content"]), {})
        if raw["description"] == summary:
            # The route says nothing else about this success.
            told["description"] = model.get("description", summary)
    return told


def _facts(raw: Json | None, told: Json, schemas: Json) -> OperationFacts:
    content: Json = next(iter(told.get("requestBody", {}).get("content", {}).values()), {})
    schema: Json = content.get("schema", {})
    model: Json = schemas.get(str(schema.get("$ref", "")).removeprefix(_REFERENCE), schema)
    required, properties = model.get("required") or (), model.get("properties", {})
    field = next(iter((*required, *properties)), None)
    known: Json = properties[field] if field else {}
    return OperationFacts(
        text=raw["description"] if raw else None,
        field=field,
        kind=next((one["type"] for one in (known, *known.get("anyOf", ())) if "type" in one), "string"),
        is_required=bool(required),
        numbers=tuple(one["name"] for one in told["parameters"] if one.get("schema", {}).get("type") == "integer"),
    )


def _fitted(status: str, told: Json, facts: OperationFacts, description: ApiDescription) -> Json:
    """Returns the response with an example that fits the operation, instead of the example of its component."""
    refusal = description.refusals.get(int(status))
    if refusal is None or description.fit_example is None:
        return told
    fitting = description.fit_example(int(status), refusal.example, facts)
    if fitting == refusal.example:
        return told
    whole = _error_response(replace(refusal, example=fitting), description)
    return whole | {"description": told.get("description", whole["description"])}


def _model(content: Json) -> str:
    reference: str = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    return reference.removeprefix(_REFERENCE)


def _component(header: str) -> str:
    return "".join(part[0].upper() + part[1:] for part in header.split("-"))


def _headers(names: Sequence[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{_component(name)}"} for name in names}


def _components(schemas: Json, paths: Json, description: ApiDescription) -> Json:
    responses = {refusal.name: _error_response(refusal, description) for refusal in description.refusals.values()}
    used = _reachable((paths, responses), schemas)
    parameters = dict(description.parameters)
    if description.idempotency_key:
        key, shortest = description.idempotency_key, idempotency.SHORTEST_UNAUTHENTICATED
        parameters["IdempotencyKey"] = key
        parameters["StrangersIdempotencyKey"] = key | {
            "description": f"{key['description']} Without an API key it must have at least {shortest} characters.",
            "schema": key["schema"] | {"minLength": shortest},
        }
    return {
        "securitySchemes": {**description.security, **description.schemes},
        "parameters": parameters,
        "headers": {_component(name): header for name, header in description.headers.items()},
        "responses": responses,
        "schemas": {name: schemas[name] for name in sorted(used)},
    }


def _error_response(refusal: ErrorDescription, description: ApiDescription) -> Json:
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
