"""The served document: complete, valid, up to date, and equal to the contract."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

from infra import openapi
from tests.conftest import Stack
from tests.contract.spec import ORACLE, Json, Operation, Spec, alternatives

CONTRACT = Spec.read(ORACLE / "anima.json")
OURS = Spec.read(openapi.FOLDER / "anima.json")
EXPECTED = list(CONTRACT.operations.values())
KNOWN = list(OURS.operations.values())


def by_id(operation: Operation) -> str:
    return operation.id


@pytest.mark.parametrize("name", openapi.DESCRIPTIONS)
def test_the_committed_document_is_up_to_date(name: str) -> None:
    assert (openapi.FOLDER / f"{name}.json").read_text() == openapi.text(name), "run: make openapi"


@pytest.mark.parametrize("name", openapi.DESCRIPTIONS)
def test_the_served_document_is_the_committed_one(stack: Stack, name: str) -> None:
    served = httpx.get(f"{stack.url}/openapi/{name}.json")
    assert (served.status_code, served.headers["content-type"]) == (200, "application/json")
    assert served.text == (openapi.FOLDER / f"{name}.json").read_text()


@pytest.mark.parametrize("name", openapi.DESCRIPTIONS)
def test_each_security_scheme_is_described(name: str) -> None:
    spec = Spec.read(openapi.FOLDER / f"{name}.json")
    named = {scheme for one in spec.operations.values() for choice in one.raw.get("security", ()) for scheme in choice}
    described = spec.document["components"]["securitySchemes"].keys()
    assert named <= described, f"add {sorted(named - described)} to `schemes` of the dialect's description"


def test_it_is_valid() -> None:
    validate(OURS.document)
    assert OURS.document["openapi"] == "3.1.0"


def test_it_has_exactly_the_operations_of_the_handlers() -> None:
    served = {
        (operation.method, operation.path.replace("<", "{").replace(">", "}"))
        for api in openapi.groups("anima")
        for operation in api.router.operations
    }
    told = {(operation.method, operation.path) for operation in KNOWN}
    assert served == told, f"run: make openapi, because the document differs from the routes at {sorted(served ^ told)}"


def test_it_has_no_errors_of_the_framework() -> None:
    assert all("422" not in operation.raw["responses"] for operation in KNOWN)
    assert not [name for name, _ in OURS.schemas() if "ValidationError" in name]


@pytest.mark.parametrize("operation", KNOWN, ids=by_id)
def test_every_error_is_a_problem_document(operation: Operation) -> None:
    for status in operation.statuses:
        if status >= 400:
            content = OURS.answer(operation, status)["content"]
            assert content.keys() == {"application/problem+json"}
            assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}


@pytest.mark.parametrize("operation", KNOWN, ids=by_id)
def test_every_operation_declares_the_refusals_of_the_pipeline(operation: Operation) -> None:
    public, changes = operation.raw.get("security") == [], operation.method != "GET"
    expected = {400, 429, 500} | (set() if public else {401, 403}) | ({409, 503} if changes else set())
    expected |= {413, 415} if operation.method in ("POST", "PUT", "PATCH") else set()
    # A click arrives in the form that the mail program chooses.
    expected -= {415} if operation.id == "emailUnsubscribe" else set()
    missing = sorted(expected - operation.statuses)
    assert not missing, f"{operation.id}: declare {missing} at its route in functions/anima"
    assert (401 in operation.statuses) is not public
    parameters = OURS.parameters(operation)
    assert ("header", "x-correlation-id") in parameters
    assert (("header", "Idempotency-Key") in parameters) is changes


@pytest.mark.parametrize("operation", KNOWN, ids=by_id)
def test_every_operation_is_described(operation: Operation) -> None:
    assert operation.raw["summary"]
    assert all(OURS.answer(operation, status)["description"] for status in operation.statuses)
    tag = operation.raw["tags"][0]
    assert tag in {told["name"] for told in OURS.document["tags"]}, (
        f"{operation.id}: describe the tag {tag!r} in switchboard/dialects/anima/document.py or at its `Api`"
    )


def test_only_sign_up_and_unsubscribe_need_no_key() -> None:
    found = {operation.id for operation in KNOWN if operation.raw.get("security") == []}
    listed = {"agentSignUp", "emailUnsubscribe", "emailUnsubscribePage"}
    assert found == listed, (
        f"{sorted(found - listed)} need no key: list them here if anyone may call them, or take `public` off their "
        f"routes. {sorted(listed - found)} need a key now: make them public again"
    )


def test_every_example_is_valid() -> None:
    for name, schema in OURS.schemas():
        for example in schema.get("examples", []):
            assert not OURS.errors(schema, example), name
    for name, response in OURS.document["components"]["responses"].items():
        for content in response["content"].values():
            assert not OURS.errors(content["schema"], content["example"]), name


@pytest.mark.parametrize("expected", EXPECTED, ids=by_id)
def test_the_contracts_operation_is_there(expected: Operation) -> None:
    ours = OURS.operations[expected.id]
    assert (ours.method, ours.path) == (expected.method, expected.path)
    missing = sorted(expected.statuses - ours.statuses)
    assert not missing, f"{expected.id}: declare {missing} at its route in functions/anima, as the contract does"


@pytest.mark.parametrize("expected", EXPECTED, ids=by_id)
def test_the_contracts_parameters_are_there(expected: Operation) -> None:
    found = OURS.parameters(OURS.operations[expected.id])
    for key, parameter in CONTRACT.parameters(expected).items():
        assert found[key].get("required", False) == parameter.get("required", False), key
        assert_covers(found[key]["schema"], parameter["schema"], f"{key}")
    # We require no field that the contract does not name.
    required = {key for key, parameter in found.items() if parameter.get("required")}
    theirs = {key for key, parameter in CONTRACT.parameters(expected).items() if parameter.get("required")}
    assert required == theirs, f"{expected.id}: require the same parameters as the contract: see {required ^ theirs}"


@pytest.mark.parametrize("expected", EXPECTED, ids=by_id)
def test_the_contracts_body_is_taken(expected: Operation) -> None:
    ours = OURS.operations[expected.id]
    assert ours.raw.get("requestBody", {}).get("required") == expected.raw.get("requestBody", {}).get("required")
    theirs = CONTRACT.body(expected)
    if theirs:
        assert set(OURS.body(ours)["required"]) == set(theirs["required"])
        assert_covers(OURS.body(ours), theirs, expected.id)


@pytest.mark.parametrize("expected", EXPECTED, ids=by_id)
def test_the_contracts_answers_are_given(expected: Operation) -> None:
    ours = OURS.operations[expected.id]
    for status in expected.statuses:
        for media_type, content in CONTRACT.answer(expected, status).get("content", {}).items():
            found = OURS.answer(ours, status)["content"][media_type]["schema"]
            assert_covers(found, content["schema"], f"{expected.id} {status}")


def test_the_contracts_security_and_headers_are_declared() -> None:
    ours, theirs = OURS.document["components"], CONTRACT.document["components"]
    for name, scheme in theirs["securitySchemes"].items():
        assert scheme.items() <= ours["securitySchemes"][name].items()
    assert OURS.document["security"] == CONTRACT.document["security"]
    assert_covers(ours["parameters"]["IdempotencyKey"]["schema"], theirs["headers"]["IdempotencyKey"]["schema"], "key")
    assert_covers(ours["headers"]["XCorrelationId"]["schema"], theirs["headers"]["XCorrelationId"]["schema"], "id")


def assert_covers(ours: Json, theirs: Json, where: str) -> None:
    """Assert that one alternative of our schema says all that the contract's schema says."""
    assert not (reasons := describe_difference(ours, theirs, where)), reasons


def describe_difference(ours: Json, theirs: Json, where: str) -> list[str]:
    """The reasons why no alternative of our schema matches the contract's schema."""
    theirs = CONTRACT.resolve(theirs)
    reasons = [_differences(option, theirs, where) for option in alternatives(OURS, ours)]
    return [] if [] in reasons else [reason for each in reasons for reason in each]


def _differences(ours: Json, theirs: Json, where: str) -> list[str]:
    facts: dict[str, Any] = {
        key: theirs[key] for key in ("type", "format", "pattern", "enum", "maxLength") if key in theirs
    }
    found = [f"{where}: {key} is {ours.get(key)}" for key, value in facts.items() if ours.get(key) != value]
    found += [
        f"{where}: {name} is optional" for name in set(theirs.get("required", [])) - set(ours.get("required", []))
    ]
    for name, schema in theirs.get("properties", {}).items():
        member = ours.get("properties", {}).get(name)
        found += describe_difference(member, schema, f"{where}.{name}") if member else [f"{where}: no {name}"]
    if "items" in theirs:
        found += describe_difference(ours.get("items", {}), theirs["items"], f"{where}[]")
    return found
