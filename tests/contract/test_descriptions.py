"""The texts of each dialect's document name only what its routes serve."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra import openapi
from switchboard.dialects.hum.document import CONTRACT_VARIABLES
from switchboard.edge.descriptions import ApiDescription

APIS = sorted(openapi.DESCRIPTIONS)
#: `GET /v1/audit/events`, or a path alone.
_PATH = re.compile(r"`(?:(GET|POST|PUT|PATCH|DELETE) )?(/[\w/{}-]+)`")
_ID = re.compile(r"\b[a-z]+(?:_[a-z]+)*_id\b|\b[a-z]+(?:[A-Z][a-z]+)*Id\b")


def read_document(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((openapi.FOLDER / f"{name}.json").read_text())
    return document


def read_texts(description: ApiDescription) -> str:
    """The introduction, and the meanings and examples of the refusals."""
    refusals = description.refusals.values()
    return "\n".join([description.text, *(f"{one.meaning} {json.dumps(one.example)}" for one in refusals)])


def list_names(node: Any) -> Iterator[str]:
    """The names of fields and parameters below a node of a document."""
    if isinstance(node, dict):
        yield from node.get("properties", {}) if isinstance(node.get("properties"), dict) else ()
        if "in" in node and "name" in node:
            yield node["name"]
        for child in node.values():
            yield from list_names(child)
    elif isinstance(node, list):
        for child in node:
            yield from list_names(child)


def find_unserved_paths(text: str, document: dict[str, Any]) -> list[str]:
    """The paths of a text that the document does not have, or not with this method."""
    served = {path: {method.upper() for method in item} for path, item in document["paths"].items()}
    return [
        f"{method} {path}".strip()
        for method, path in _PATH.findall(text)
        if path not in served or (method and method not in served[path])
    ]


@pytest.mark.parametrize("name", APIS)
def test_a_text_names_served_paths_only(name: str) -> None:
    unserved = find_unserved_paths(read_texts(openapi.DESCRIPTIONS[name]), read_document(name))
    assert not unserved, (
        f"take {unserved} out of switchboard/dialects/{name}/document.py, or serve them in functions/{name} "
        "and run: make openapi"
    )


@pytest.mark.parametrize("name", APIS)
def test_a_text_names_ids_of_served_routes_only(name: str) -> None:
    document = read_document(name)
    known = {*list_names(document["paths"]), *list_names(document["components"])}
    unknown = sorted(set(_ID.findall(read_texts(openapi.DESCRIPTIONS[name]))) - known)
    assert not unknown, (
        f"take {unknown} out of the texts in switchboard/dialects/{name}/document.py: no field or parameter of "
        f"a route in functions/{name} has this name"
    )


@pytest.mark.parametrize("name", APIS)
def test_each_tag_of_a_text_has_an_operation(name: str) -> None:
    used = {tag for item in read_document(name)["paths"].values() for told in item.values() for tag in told["tags"]}
    unused = sorted(openapi.DESCRIPTIONS[name].tags.keys() - used)
    assert not unused, f"take the tags {unused} out of switchboard/dialects/{name}/document.py: no operation has them"


def test_each_variable_with_a_name_of_the_contract_is_in_a_served_path() -> None:
    paths = [operation.path for api in openapi.groups("hum") for operation in api.router.operations]
    served = {variable for path in paths for variable in re.findall(r"<(\w+)>", path)}
    unserved = sorted(CONTRACT_VARIABLES.keys() - served)
    assert not unserved, (
        f"take {unserved} out of CONTRACT_VARIABLES in switchboard/dialects/hum/document.py: no path in functions/hum "
        "has this variable"
    )


def test_an_unserved_path_or_id_is_found() -> None:
    document = {"paths": {"/api/me": {"get": {"parameters": [{"in": "query", "name": "org_id"}]}}}}
    text = "`GET /api/me` needs `org_id`. `POST /api/me` and `/api/numbers` have `call_id` and `userId`."
    assert find_unserved_paths(text, document) == ["POST /api/me", "/api/numbers"]
    assert set(_ID.findall(text)) - set(list_names(document)) == {"call_id", "userId"}
