"""The request of an operation, from the arguments of a model."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.mcp.catalog import read_catalog
from functions.mcp.requests import ApiRequest, BadArgumentsError, build_request
from tests.tables import each

CATALOG = read_catalog()


def build(operation_id: str, **arguments: Any) -> ApiRequest:
    (operation,) = CATALOG.find_operations(operation_id)
    return build_request(operation, arguments)


def problems(operation_id: str, **arguments: Any) -> list[str]:
    with pytest.raises(BadArgumentsError) as bad:
        build(operation_id, **arguments)
    return bad.value.problems


def test_a_request_has_path_query_body_and_key() -> None:
    made = build("hum.listContacts", query={"q": "A&B ü", "limit": "20", "cursor": None})
    assert (made.method, made.target, made.body) == ("GET", "/api/contacts?q=A%26B%20%C3%BC&limit=20", None)
    body = {"e164": "+12125550163", "display_name": "Zoë"}
    made = build("hum.upsertContact", body=body, headers={"idempotency-key": "key-1"})
    assert (made.method, made.target) == ("POST", "/api/contacts")
    assert json.loads(made.body or b"") == body
    assert made.headers == {
        "accept": "application/json",
        "idempotency-key": "key-1",
        "content-type": "application/json",
    }


def test_a_value_of_the_path_is_encoded_whole() -> None:
    made = build("anima.blockDelete", path={"e164": "+1/../../v1/agents?x=1#y"})
    assert made.target == "/v1/compliance/blocks/%2B1%2F..%2F..%2Fv1%2Fagents%3Fx%3D1%23y"


@settings(max_examples=50)
@given(st.text(max_size=40))
def test_no_value_of_the_path_leads_to_another_path(value: str) -> None:
    try:
        made = build("anima.blockDelete", path={"e164": value})
    except BadArgumentsError:
        return
    parts = urlsplit(f"https://app.example.com{made.target}")
    assert (parts.netloc, parts.query, parts.fragment) == ("app.example.com", "", "")
    *before, last = parts.path.split("/")
    assert before == ["", "v1", "compliance", "blocks"]
    assert unquote(last) == value
    assert last not in ("", ".", "..")


BAD = [
    ("hum.listContacts", {"query": {"limit": 0}}, "query.limit: 0 is less than the minimum of 1"),
    ("hum.listContacts", {"query": {"limit": "many"}}, "query.limit: 'many' is not of type 'integer'"),
    ("hum.listContacts", {"query": {"limit": [1]}}, "query.limit: must be a text or a number."),
    ("hum.listContacts", {"query": {"page": 1}}, "query.page: unknown, use q, limit, cursor."),
    ("hum.listContacts", {"query": "limit=1"}, "query: must be an object with the values by name."),
    ("hum.listContacts", {"body": {}}, "body: this operation has none."),
    ("hum.listContacts", {"headers": {"X-API-Key": "k"}}, "headers.X-API-Key: unknown, this operation has none."),
    ("hum.listContacts", {"cookies": {}}, "cookies: unknown. Use path, query, body, headers."),
    ("hum.upsertContact", {}, "body: is required."),
    ("hum.upsertContact", {"body": {"name": "Mo"}}, "body.name: unknown, use e164, display_name, "),
    ("hum.upsertContact", {"body": {"e164": 12}}, "body.e164: 12 is not of type 'string'"),
    (
        "hum.upsertContact",
        {"body": {"e164": "+12125550163"}, "headers": {"Authorization": "Bearer x"}},
        "headers.Authorization: unknown, use Idempotency-Key.",
    ),
    (
        "hum.upsertContact",
        {"body": {"e164": "+12125550163"}, "headers": {"Idempotency-Key": "a\r\nHost: b"}},
        "headers.Idempotency-Key: ",
    ),
    ("hum.deleteContact", {}, "path.id: is required."),
    ("hum.deleteContact", {"path": {"id": ".."}}, "path.id: must be an id, and not '..'."),
    ("hum.deleteContact", {"path": {"id": ""}}, "path.id: must be an id, and not ''."),
    ("hum.deleteContact", {"path": {"id": "\ud800"}}, "path.id: has half of a surrogate pair."),
    ("hum.upsertContact", {"body": {"e164": "+12125550163", "notes": "\ud800"}}, "body: has half of a surrogate pair."),
    ("opticomm.externalApiAction", {"body": {"action": "destroy"}}, "body"),
]


@each("case", BAD)
def test_arguments_that_do_not_fit_are_refused(case: tuple[str, dict[str, Any], str]) -> None:
    operation_id, arguments, expected = case
    found = problems(operation_id, **arguments)
    assert any(one.startswith(expected) for one in found), found


def test_all_problems_are_told_at_once_and_short() -> None:
    found = problems("hum.upsertContact", body={"e164": ["x" * 5_000], "notes": 3}, query={"a": 1}, path={"b": 2})
    assert len(found) == 4
    assert all(len(one) < 400 for one in found)
    assert len(problems("hum.listContacts", query={f"q{number}": 1 for number in range(50)})) == 10


def test_a_number_may_be_written_as_text_and_a_text_as_number() -> None:
    assert build("hum.listContacts", query={"q": 415, "limit": 5}).target == "/api/contacts?q=415&limit=5"
