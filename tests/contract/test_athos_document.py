"""The Athos document: complete, valid, and equal to the contract."""

from __future__ import annotations

from functools import partial

import pytest
from openapi_spec_validator import validate

from infra import openapi
from tests.contract.spec import ORACLE, Operation, Spec, list_schema_differences

CONTRACT = Spec.read(ORACLE / "athos.json")
OURS = Spec.read(openapi.FOLDER / "athos.json")
EXPECTED = list(CONTRACT.operations.values())
BASE = CONTRACT.document["x-base-path"]


def by_id(operation: Operation) -> str:
    return operation.id


faults = partial(list_schema_differences, OURS, CONTRACT)
operations = pytest.mark.parametrize("expected", EXPECTED, ids=by_id)


def test_it_is_valid_and_has_exactly_the_contracts_operations() -> None:
    validate(OURS.document)
    other = OURS.operations.keys() ^ CONTRACT.operations.keys()
    assert not other, f"serve the operations of the contract in functions/athos and no others: see {sorted(other)}"
    served = {
        (operation.method, operation.path.replace("<", "{").replace(">", "}"))
        for api in openapi.groups("athos")
        for operation in api.router.operations
    }
    told = {(operation.method, operation.path) for operation in OURS.operations.values()}
    assert served == told, f"run: make openapi, because the document differs from the routes at {sorted(served ^ told)}"


@operations
def test_path_method_and_refusals_are_the_contracts(expected: Operation) -> None:
    ours = OURS.operations[expected.id]
    assert (ours.method, ours.path) == (expected.method, BASE + expected.path)
    # Beyond the contract: docs/contracts/athos.md#sessions and docs/contracts/common.md#errors-without-a-code.
    more = {429, 500} | ({413, 415, 503} if ours.method == "POST" else set())
    wanted = expected.statuses | more | ({403} if expected.id == "redeemSession" else set())
    assert ours.statuses == wanted, (
        f"{expected.id}: declare {sorted(wanted - ours.statuses)} at its route, not {sorted(ours.statuses - wanted)}"
    )
    assert ours.raw["tags"] == expected.raw["tags"]


@operations
def test_its_security_is_the_contracts(expected: Operation) -> None:
    found = OURS.operations[expected.id].raw.get("security", OURS.document["security"])
    assert found == expected.raw["security"]


@operations
def test_its_parameters_are_the_contracts(expected: Operation) -> None:
    found, wanted = OURS.parameters(OURS.operations[expected.id]), CONTRACT.parameters(expected)
    other = sorted(name for _, name in found.keys() ^ wanted.keys())
    assert not other, f"{expected.id}: give its route the parameters of the contract and no others: see {other}"
    for key, parameter in wanted.items():
        assert found[key].get("required", False) == parameter.get("required", False), key
        assert not faults(found[key]["schema"], parameter["schema"], str(key))


@operations
def test_its_body_is_the_contracts(expected: Operation) -> None:
    ours = OURS.operations[expected.id]
    assert ours.raw.get("requestBody", {}).get("required") == expected.raw.get("requestBody", {}).get("required")
    theirs = CONTRACT.body(expected)
    if theirs:
        assert set(OURS.body(ours)["required"]) == set(theirs["required"])
        assert not faults(OURS.body(ours), theirs, expected.id)


@operations
def test_its_answers_are_the_contracts(expected: Operation) -> None:
    ours = OURS.operations[expected.id]
    for status in expected.statuses:
        wanted = CONTRACT.answer(expected, status)
        found = OURS.answer(ours, status)
        assert wanted["headers"].keys() <= found["headers"].keys()
        schema = wanted["content"]["application/json"]["schema"]
        assert not faults(found["content"]["application/json"]["schema"], schema, f"{expected.id} {status}")


def test_the_security_schemes_are_the_contracts() -> None:
    ours, theirs = OURS.document["components"]["securitySchemes"], CONTRACT.document["components"]["securitySchemes"]
    assert ours.keys() == theirs.keys()
    assert all(scheme.items() <= ours[name].items() for name, scheme in theirs.items())


def test_every_example_is_valid_in_both_documents() -> None:
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
