"""The code samples of an operation in its document (`x-codeSamples`): programs in curl, Python and TypeScript.

A sample runs as it is shown. It reads the address, the credential and the ids from environment variables. The local
stack writes a file with the variables of its demo organization (`demo.env`).

No Lambda function imports this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from switchboard.edge.descriptions import Json, SampleVariables
from switchboard.edge.router import Operation
from switchboard.edge.sample_programs import (
    VARIABLE,
    EnvironmentText,
    SampleRequest,
    write_curl,
    write_python,
    write_typescript,
)

#: The name of the list of samples in an operation. Many renderers show it.
CODE_SAMPLES = "x-codeSamples"
_ADDRESS = "SWITCHBOARD_URL"
_REFERENCE = "#/components/schemas/"
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
#: The forms of ids in examples: `con_01m8…` and UUIDs.
_ID = re.compile(r"[a-z]{2,6}_[0-9a-z]{26}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def code_samples(
    path: str, told: Json, operation: Operation, components: Json, variables: SampleVariables
) -> list[Json]:
    """Returns the samples of an operation, in three languages for each kind of body."""
    samples: list[Json] = []
    for label, request in _requests(path, told, operation, components, variables):
        for language, name, source in (
            ("bash", "curl", write_curl(request)),
            ("python", "Python", write_python(request)),
            ("typescript", "TypeScript", write_typescript(request)),
        ):
            samples.append({"lang": language, "label": f"{name}{label}", "source": source})
    return samples


def _requests(
    path: str, told: Json, operation: Operation, components: Json, variables: SampleVariables
) -> Iterator[tuple[str, SampleRequest]]:
    url = f"{{{_ADDRESS}}}" + VARIABLE.sub(lambda one: f"{{{_path_variable(path, one, variables)}}}", path)
    needed = [one["name"] for one in told["parameters"] if one.get("in") == "query" and one.get("required")]
    url += "?" * bool(needed) + "&".join(f"{name}={{{_environment_name(name)}}}" for name in needed)
    contents: Json = told.get("requestBody", {}).get("content", {})
    media_type = next(iter(contents), None)
    content: Json = contents[media_type] if media_type else {}
    file = _file_of(content.get("schema", {})) if media_type else None
    bodies = _examples(content, components["schemas"]) if media_type and not file else []
    for label, body in bodies or [("", None)]:
        yield (
            label,
            SampleRequest(
                method=operation.method,
                url=url,
                header=_credential(told, operation, components["securitySchemes"], variables),
                body=_with_variables(body, variables),
                media_type=None if body is None else media_type,
                file=file,
                response=_response_kind(told["responses"]),
            ),
        )


def _path_variable(path: str, found: re.Match[str], variables: SampleVariables) -> str:
    """Returns the variable for a part of a path: `/contacts/{id}` takes `CONTACT_ID`."""
    name = found[1]
    if name == "id":
        name = f"{_singular(path[: found.start()].strip('/').rpartition('/')[2])}_id"
    environment_name = _environment_name(name)
    return variables.renamed.get(environment_name, environment_name)


def _singular(noun: str) -> str:
    for ending, singular in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("s", "")):
        if noun.endswith(ending):
            return noun.removesuffix(ending) + singular
    return noun


def _environment_name(name: str) -> str:
    return _CAMEL.sub("_", name).replace("-", "_").upper()


def _credential(
    told: Json, operation: Operation, schemes: Json, variables: SampleVariables
) -> tuple[str, EnvironmentText] | None:
    security = told.get("security", [{name: []} for name in list(schemes)[:1]])
    if not security:
        return None
    name = next(iter(security[0]))
    kinds = operation.keys or ()
    variable = next((one for kind, one in variables.keys.items() if kind in kinds), variables.credentials[name])
    scheme = schemes[name]
    if scheme["type"] == "http":
        return "Authorization", EnvironmentText("Bearer ", variable)
    if scheme["in"] == "cookie":
        return "Cookie", EnvironmentText(f"{scheme['name']}=", variable)
    return scheme["name"], EnvironmentText("", variable)


def _file_of(schema: Json) -> tuple[str, str] | None:
    """Returns the field of a form's file, and a name for the file."""
    for name, field in schema.get("properties", {}).items():
        if field.get("format") == "binary":
            return name, f"{name}.wav" if name == "audio" else name
    return None


def _examples(content: Json, schemas: Json) -> list[tuple[str, Any]]:
    """Returns the examples of a body with their labels: one for each alternative of the schema."""
    if "example" in content:
        return [("", content["example"])]
    schema: Json = content.get("schema", {})
    model: Json = schemas.get(schema.get("$ref", "").removeprefix(_REFERENCE), schema)
    if "examples" in model:
        return [("", model["examples"][0])]
    found = [
        example
        for option in (*model.get("oneOf", ()), *model.get("anyOf", ()))
        for _, example in _examples({"schema": option}, schemas)
    ]
    kind = model.get("discriminator", {}).get("propertyName")
    return [(f" {example[kind]}" if kind else "", example) for example in (found if kind else found[:1])]


def _with_variables(value: Any, variables: SampleVariables, name: str = "") -> Any:
    """Returns an example whose ids are variables: an invented id would be refused."""
    if isinstance(value, dict):
        return {key: _with_variables(part, variables, key) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_variables(part, variables, _singular(name)) for part in value]
    if isinstance(value, str) and _ID.fullmatch(value):
        wanted = _environment_name(name)
        return EnvironmentText("", variables.renamed.get(wanted, wanted))
    return value


def _response_kind(responses: Mapping[str, Json]) -> str:
    status = next((status for status in responses if status[0] in "23"), "204")
    content = responses.get(status, {}).get("content", {})
    return "redirect" if status[0] == "3" else next(iter(content), "nothing")
