"""The HUM document: valid, and equal to the contract in its operations."""

from __future__ import annotations

from functools import partial

import pytest
from openapi_spec_validator import validate

from infra import openapi
from switchboard.team.permissions import PERMISSIONS, Permission, Role
from tests.contract.spec import ORACLE, Operation, Spec, list_schema_differences

CONTRACT = Spec.read(ORACLE / "hum.json")
OURS = Spec.read(openapi.FOLDER / "hum.json")
#: The tags of the contract that are served.
TAGS = {"System", "Authentication", "User", "Organizations", "Team", "Contacts", "Blocklist"}
EXPECTED = [operation for operation in CONTRACT.operations.values() if set(operation.raw["tags"]) <= TAGS]
#: Operations beyond the contract: a browser needs them, and so does a client that polls a job.
OF_OUR_OWN = {
    *("finishLogin", "switchOrg", "getContactsBackfill"),
    *("listOwnInvites", "acceptInvite", "declineInvite", "leaveTeam"),
}
#: Statuses beyond those of the contract (docs/contracts/hum.md#errors).
MORE = {402, 409, 413, 415, 429, 500, 503}


def by_id(operation: Operation) -> str:
    return operation.id


faults = partial(list_schema_differences, OURS, CONTRACT)
operations = pytest.mark.parametrize("expected", EXPECTED, ids=by_id)


def test_it_is_valid_and_has_the_contracts_operations() -> None:
    validate(OURS.document)
    assert len(EXPECTED) == 20
    assert OURS.operations.keys() == {operation.id for operation in EXPECTED} | OF_OUR_OWN
    served = {
        (operation.method, path_shape(operation.path))
        for api in openapi.groups("hum")
        for operation in api.router.operations
    }
    assert served == {(operation.method, path_shape(operation.path)) for operation in OURS.operations.values()}


@operations
def test_path_and_method_are_the_contracts(expected: Operation) -> None:
    ours = OURS.operations[expected.id]
    assert (ours.method, ours.path) == (expected.method, expected.path), "add its variable to documents/hum.py"
    names = {name for place, name in OURS.parameters(ours) if place == "path"}
    assert names == {part.strip("{}") for part in ours.path.split("/") if part.startswith("{")}
    assert ours.raw["tags"] == expected.raw["tags"]
    assert ours.raw.get("security", OURS.document["security"]) == expected.raw["security"]


def path_shape(path: str) -> str:
    """A path without the names of its parameters."""
    return "/".join("{}" if part.startswith(("{", "<")) else part for part in path.split("/"))


def test_a_contact_address_has_the_contracts_limit() -> None:
    limit = OURS.document["components"]["schemas"]["OrganizationInput"]["properties"]["contact_email"]
    assert {"type": "string", "format": "email", "maxLength": 320} in limit["anyOf"]


@operations
def test_its_statuses_are_the_contracts_and_the_common_ones(expected: Operation) -> None:
    ours = OURS.operations[expected.id].statuses
    assert ours - expected.statuses <= MORE
    assert {status for status in ours if status < 400} == {status for status in expected.statuses if status < 400}


@operations
def test_its_query_is_the_contracts_with_paging_for_lists(expected: Operation) -> None:
    found, wanted = OURS.parameters(OURS.operations[expected.id]), CONTRACT.parameters(expected)
    theirs = {key: parameter for key, parameter in wanted.items() if key[0] == "query"}
    ours = {key: parameter for key, parameter in found.items() if key[0] == "query"}
    assert ours.keys() - theirs.keys() <= {("query", "limit"), ("query", "cursor")}
    for key, parameter in theirs.items():
        assert ours[key].get("required", False) == parameter.get("required", False), key
        assert not faults(ours[key]["schema"], parameter["schema"], str(key))


@operations
def test_its_body_is_the_contracts(expected: Operation) -> None:
    ours = OURS.operations[expected.id]
    theirs = CONTRACT.body(expected)
    assert bool(theirs) == bool(OURS.body(ours))
    if theirs:
        assert ours.raw["requestBody"]["required"] is True
        assert set(OURS.body(ours).get("required", [])) >= set(theirs.get("required", []))
        assert not faults(OURS.body(ours), theirs, expected.id)


@operations
def test_its_answers_are_the_contracts(expected: Operation) -> None:
    ours = OURS.operations[expected.id]
    for status in ours.statuses & expected.statuses:
        wanted = CONTRACT.answer(expected, status).get("content", {}).get("application/json", {}).get("schema")
        if wanted and "additionalProperties" not in wanted:
            found = OURS.answer(ours, status)["content"]["application/json"]["schema"]
            wanted = CONTRACT.resolve(wanted)
            assert not faults(found, {**wanted, "additionalProperties": None}, f"{expected.id} {status}")


def test_the_cookie_is_the_contracts() -> None:
    ours, theirs = OURS.document["components"]["securitySchemes"], CONTRACT.document["components"]["securitySchemes"]
    assert ours.keys() == theirs.keys()
    assert all(scheme.items() <= ours[name].items() for name, scheme in theirs.items())


def test_every_example_is_valid() -> None:
    for name, schema in OURS.schemas():
        for example in schema.get("examples", []):
            assert not OURS.errors(schema, example), name
    for response in OURS.document["components"]["responses"].values():
        for content in response["content"].values():
            assert not OURS.errors(content["schema"], content["example"]), response["description"]


def test_everything_is_described() -> None:
    for operation in OURS.operations.values():
        assert operation.raw["summary"]
        assert all(OURS.answer(operation, status)["description"] for status in operation.statuses)


def test_the_documented_roles_are_the_checked_ones() -> None:
    text = OURS.document["info"]["description"]
    for permission in Permission:
        cells = " | ".join("yes" if permission in PERMISSIONS[role] else "" for role in Role)
        assert f"| `{permission}` | {cells} |" in text
