"""Athos' document: whole, valid, and saying all that the contract says."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import validate

from infra import openapi
from tests.contract.spec import ORACLE, Json, Operation, Spec

CONTRACT = Spec.read(ORACLE / "athos.json")
OURS = Spec.read(openapi.FOLDER / "athos.json")
EXPECTED = list(CONTRACT.operations.values())
BASE = CONTRACT.document["x-base-path"]


def by_id(operation: Operation) -> str:
    return operation.id


operations = pytest.mark.parametrize("expected", EXPECTED, ids=by_id)


def test_it_is_valid_and_has_the_contracts_operations_and_no_other() -> None:
    validate(OURS.document)
    assert OURS.operations.keys() == CONTRACT.operations.keys()
    served = {
        (operation.method, operation.path.replace("<", "{").replace(">", "}"))
        for api in openapi.groups("athos")
        for operation in api.operations
    }
    assert served == {(operation.method, operation.path) for operation in OURS.operations.values()}


@operations
def test_the_operation_is_where_the_contract_has_it_and_refuses_as_it_says(expected: Operation) -> None:
    ours = OURS.operations[expected.id]
    assert (ours.method, ours.path) == (expected.method, BASE + expected.path)
    # Beyond the contract: a tenant that is suspended between minting and redeeming, and what conventions.md 16 decides.
    more = {429, 500} | ({413, 415, 503} if ours.method == "POST" else set())
    assert ours.statuses == expected.statuses | more | ({403} if expected.id == "redeemSession" else set())
    assert ours.raw["tags"] == expected.raw["tags"]


@operations
def test_who_may_call_it_is_the_contracts(expected: Operation) -> None:
    found = OURS.operations[expected.id].raw.get("security", OURS.document["security"])
    assert found == expected.raw["security"]


@operations
def test_its_parameters_are_the_contracts(expected: Operation) -> None:
    found, wanted = OURS.parameters(OURS.operations[expected.id]), CONTRACT.parameters(expected)
    assert found.keys() == wanted.keys()
    for key, parameter in wanted.items():
        assert found[key].get("required", False) == parameter.get("required", False), key
        assert not differences(found[key]["schema"], parameter["schema"], str(key))


@operations
def test_its_body_is_the_contracts(expected: Operation) -> None:
    ours = OURS.operations[expected.id]
    assert ours.raw.get("requestBody", {}).get("required") == expected.raw.get("requestBody", {}).get("required")
    theirs = CONTRACT.body(expected)
    if theirs:
        assert set(OURS.body(ours)["required"]) == set(theirs["required"])
        assert not differences(OURS.body(ours), theirs, expected.id)


@operations
def test_its_answers_are_the_contracts(expected: Operation) -> None:
    ours = OURS.operations[expected.id]
    for status in expected.statuses:
        wanted = CONTRACT.answer(expected, status)
        found = OURS.answer(ours, status)
        assert wanted["headers"].keys() <= found["headers"].keys()
        schema = wanted["content"]["application/json"]["schema"]
        assert not differences(found["content"]["application/json"]["schema"], schema, f"{expected.id} {status}")


def test_the_ways_to_authenticate_are_the_contracts() -> None:
    ours, theirs = OURS.document["components"]["securitySchemes"], CONTRACT.document["components"]["securitySchemes"]
    assert ours.keys() == theirs.keys()
    assert all(scheme.items() <= ours[name].items() for name, scheme in theirs.items())


def test_every_example_is_one_by_both_documents() -> None:
    for name, schema in OURS.schemas():
        for example in schema.get("examples", []):
            assert not OURS.errors(schema, example), name
            assert not CONTRACT.errors(CONTRACT.document["components"]["schemas"][name], example), name
    for name, response in OURS.document["components"]["responses"].items():
        for content in response["content"].values():
            assert not OURS.errors(content["schema"], content["example"]), name


def test_everything_is_described() -> None:
    for operation in OURS.operations.values():
        assert operation.raw["summary"]
        assert all(OURS.answer(operation, status)["description"] for status in operation.statuses)


FACTS = ("format", "pattern", "enum", "minLength", "minimum", "maximum", "default", "additionalProperties")


def differences(ours: Json, theirs: Json, where: str) -> list[str]:
    """What the contract's schema says and ours does not."""
    theirs, ours = _whole(CONTRACT, theirs), _whole(OURS, ours)
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
        found += differences(member, schema, f"{where}.{name}") if member else [f"{where}: no {name}"]
    if "items" in theirs:
        found += differences(ours.get("items", {}), theirs["items"], f"{where}[]")
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
