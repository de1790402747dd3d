"""An OpenAPI document as comparable facts, and as a checker of responses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from switchboard.edge.document_headers import CHALLENGE

Json = dict[str, Any]

ORACLE = Path(__file__).with_name("oracle")
METHODS = ("get", "put", "post", "delete", "patch")

STREAM = "text/event-stream"
#: Headers of every response, in every dialect.
LIMITS = (
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
    *("X-RateLimit-Sec-Limit", "X-RateLimit-Sec-Remaining", "X-RateLimit-Sec-Reset"),
    *("RateLimit", "RateLimit-Policy"),
)


@dataclass(frozen=True)
class Operation:
    """An operation of a document."""

    method: str
    path: str
    raw: Json

    @property
    def id(self) -> str:
        return str(self.raw["operationId"])

    @property
    def statuses(self) -> set[int]:
        return {int(status) for status in self.raw["responses"]}


class Spec:
    """A document."""

    def __init__(self, document: Json) -> None:
        self.document = document
        #: The validators by the identity of their schemas, which they keep.
        self._validators: dict[int, tuple[Json, Draft202012Validator]] = {}

    @classmethod
    def read(cls, path: Path) -> Spec:
        return cls(json.loads(path.read_text()))

    @cached_property
    def operations(self) -> dict[str, Operation]:
        """The operations by id."""
        found = [
            Operation(method.upper(), path, item[method])
            for path, item in self.document["paths"].items()
            for method in METHODS
            if method in item
        ]
        return {operation.id: operation for operation in found}

    def at(self, path: str) -> list[Operation]:
        """The operations at a real path: an exact one before one with parameters."""
        for pattern, operations in self._patterns:
            if pattern.fullmatch(path):
                return operations
        return []

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], list[Operation]]]:
        """The patterns of the paths with their operations, the exact ones first."""
        return [
            (
                re.compile(re.sub(r"\{\w+\}", "[^/]+", path)),
                [operation for operation in self.operations.values() if operation.path == path],
            )
            for path in sorted(self.document["paths"], key=lambda known: "{" in known)
        ]

    def resolve(self, node: Json) -> Json:
        """A node, with its reference resolved. Keys beside a reference win."""
        if "$ref" not in node:
            return node
        target: Any = self.document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return self.resolve(target) | {key: value for key, value in node.items() if key != "$ref"}

    def body(self, operation: Operation) -> Json:
        """The schema of an operation's JSON body; empty where it takes none."""
        content = operation.raw.get("requestBody", {}).get("content", {})
        return self.resolve(content.get("application/json", {}).get("schema", {}))

    def parameters(self, operation: Operation) -> dict[tuple[str, str], Json]:
        """An operation's parameters by place and name."""
        parameters = [self.resolve(parameter) for parameter in operation.raw.get("parameters", [])]
        return {(parameter["in"], parameter["name"]): parameter for parameter in parameters}

    def answer(self, operation: Operation, status: int) -> Json:
        """The document's entry for a response of an operation with that status."""
        return self.resolve(operation.raw["responses"][str(status)])

    def errors(self, schema: Json, value: Any) -> list[str]:
        """The errors of a value against the schema."""
        if id(schema) not in self._validators:
            validator = Draft202012Validator(
                {**schema, "components": self.document["components"]},
                format_checker=Draft202012Validator.FORMAT_CHECKER,
            )
            self._validators[id(schema)] = schema, validator
        return [f"{error.json_path}: {error.message}" for error in self._validators[id(schema)][1].iter_errors(value)]

    def check(self, response: httpx.Response) -> None:
        """Assert that a response matches the document."""
        media_type = response.headers.get("content-type", "").partition(";")[0]
        streams = media_type == STREAM
        if not streams:
            response.read()
        request = response.request
        said = "" if streams else response.text[:300]
        here = f"{request.method} {request.url.path}: {response.status_code} {said}"
        known = self.at(request.url.path)
        operation = next((one for one in known if one.method == request.method), None)
        if operation:
            assert response.status_code in operation.statuses, f"undeclared: {here}"
            promised = self.answer(operation, response.status_code)
        else:
            assert response.status_code == (405 if known else 404), here
            name = "MethodNotAllowed" if known else "NotFound"
            promised = self.document["components"]["responses"][name]
        missing = set(promised["headers"]) - {"Idempotent-Replayed", "Retry-After"} - _names(response)
        assert not missing, f"without {missing}: {here}"
        for name, header in promised["headers"].items():
            if name in response.headers:
                _check_header(self.resolve(header)["schema"], response.headers[name])
        if "content" not in promised:
            assert not response.content, here
            return
        assert media_type in promised["content"], here
        if streams:
            return  # A stream has no end: the caller checks the events.
        # A page is text.
        body = response.json() if media_type.endswith("json") else response.text
        wrong = self.errors(promised["content"][media_type]["schema"], body)
        assert not wrong, f"{wrong}: {here}"

    def schemas(self) -> Iterator[tuple[str, Json]]:
        """The document's own schemas."""
        yield from self.document["components"]["schemas"].items()


def _names(response: httpx.Response) -> set[str]:
    spelled = {name.lower(): name for name in (*LIMITS, CHALLENGE, "Allow", "Location", "X-Athos-Request-Id")}
    # The function's own response header, before API Gateway renames it.
    spelled["www-authenticate"] = CHALLENGE
    return {spelled.get(name.lower(), name) for name in response.headers}


def _check_header(schema: Json, value: str) -> None:
    assert Draft202012Validator(schema).is_valid(int(value) if schema["type"] == "integer" else value), value


def alternatives(spec: Spec, schema: Json) -> list[Json]:
    """The schemas that a schema is a choice of, or itself."""
    schema = spec.resolve(schema)
    options = schema.get("anyOf") or schema.get("oneOf")
    return [spec.resolve(option) for option in options] if options else [schema]


FACTS = ("format", "pattern", "enum", "minLength", "minimum", "maximum", "default", "additionalProperties")


def list_schema_differences(document: Spec, contract: Spec, ours: Json, theirs: Json, where: str) -> list[str]:
    """Statements of a contract's schema that our schema lacks."""
    theirs, ours = _whole(contract, theirs), _whole(document, ours)
    found = [
        f"{where}: {name} is {ours.get(name)}" for name in FACTS if name in theirs and ours.get(name) != theirs[name]
    ]
    if _types(theirs) != _types(ours):
        found.append(f"{where}: is of {_types(ours)}, not {_types(theirs)}")
    found += [
        f"{where}: {name} is optional" for name in set(theirs.get("required", [])) - set(ours.get("required", []))
    ]
    for name, schema in theirs.get("properties", {}).items():
        member = ours.get("properties", {}).get(name)
        found += (
            list_schema_differences(document, contract, member, schema, f"{where}.{name}")
            if member
            else [f"{where}: no {name}"]
        )
    if "items" in theirs:
        found += list_schema_differences(document, contract, ours.get("items", {}), theirs["items"], f"{where}[]")
    return found


def _whole(spec: Spec, schema: Json) -> Json:
    """A schema in one piece: references followed, parts put together, a choice with null made a list of types."""
    schema = spec.resolve(schema)
    if "allOf" in schema:
        parts = [_whole(spec, part) for part in schema["allOf"]]
        return {
            "type": "object",
            "properties": {name: member for part in parts for name, member in part.get("properties", {}).items()},
            "required": [name for part in parts for name in part.get("required", [])],
        }
    options: list[Any] = [spec.resolve(option) for option in schema.get("anyOf", [])]
    real = [option for option in options if option != {"type": "null"}]
    if len(real) == 1:
        return real[0] | {"type": [real[0]["type"], "null"]}
    return schema | ({"enum": [schema["const"]]} if "const" in schema else {})


def _types(schema: Json) -> set[str]:
    kind = schema.get("type", [])
    return {kind} if isinstance(kind, str) else set(kind)
