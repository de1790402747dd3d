"""The OptiComm document: complete, valid, and equal to the contract."""

from __future__ import annotations

from typing import Any

from openapi_spec_validator import validate

from infra import openapi
from switchboard.accounts.models import KeyKind
from tests.contract.spec import ORACLE, Json, Spec, alternatives

CONTRACT = Spec.read(ORACLE / "opticomm.json")
OURS = Spec.read(openapi.FOLDER / "opticomm.json")
ACTION = CONTRACT.operations["externalApiAction"]
SERVED = OURS.operations["externalApiAction"]


def test_it_is_valid_and_has_exactly_one_operation() -> None:
    validate(OURS.document)
    assert (SERVED.method, SERVED.path) == ("POST", f"/functions/v1{ACTION.path}")
    assert list(OURS.operations) == list(CONTRACT.operations), "serve the one operation of the contract and no other"
    missing = sorted((ACTION.statuses | {413, 415}) - SERVED.statuses)
    assert not missing, f"add {missing} to the refusals in switchboard/dialects/opticomm/document.py"
    needless = sorted({409, 422, 503} & SERVED.statuses)
    assert not needless, f"take {needless} off the refusals: the contract answers these conditions with other statuses"


def test_the_contracts_schemas_say_the_same() -> None:
    ours, theirs = OURS.document["components"], CONTRACT.document["components"]
    differences = [fault for name in theirs["schemas"] for fault in list_differences(ours, theirs, name)]
    assert not differences, f"change functions/opticomm/external_api/schemas.py: {differences}"


def test_the_action_selects_one_of_two_bodies() -> None:
    body, expected = OURS.body(SERVED), CONTRACT.body(ACTION)
    assert body["oneOf"] == expected["oneOf"]
    assert body["discriminator"]["propertyName"] == expected["discriminator"]["propertyName"] == "action"
    assert SERVED.raw["requestBody"]["required"] is True


def test_the_answers_are_the_contracts() -> None:
    for status in ACTION.statuses:
        expected = CONTRACT.answer(ACTION, status)["content"]["application/json"]["schema"]
        found = OURS.answer(SERVED, status)["content"]["application/json"]["schema"]
        if status == 200:
            assert OURS.resolve(found)["oneOf"] == expected["oneOf"]
        else:
            assert found == expected


def test_the_key_is_sent_as_the_contract_says() -> None:
    expected = CONTRACT.document["components"]["securitySchemes"]["ApiKeyAuth"]
    found = OURS.document["components"]["securitySchemes"]["ApiKeyAuth"]
    assert {name: found[name] for name in ("type", "in", "name")} == {
        name: expected[name] for name in ("type", "in", "name")
    }
    assert OURS.document["security"] == CONTRACT.document["security"]
    assert all(kind.value in found["description"] for kind in (KeyKind.OPTICOMM_LIVE, KeyKind.OPTICOMM_TEST))


def test_every_example_is_valid() -> None:
    for name, schema in OURS.schemas():
        for example in schema.get("examples", []):
            assert not OURS.errors(schema, example), name
            assert not CONTRACT.errors(CONTRACT.document["components"]["schemas"][name], example), name
    for name, response in OURS.document["components"]["responses"].items():
        for content in response["content"].values():
            assert not OURS.errors(content["schema"], content["example"]), name


def list_differences(ours: Json, theirs: Json, name: str) -> list[str]:
    """Statements of a contract's schema that our schema lacks."""
    found, expected = ours["schemas"][name], theirs["schemas"][name]
    faults = [f"{name}: {one} is optional" for one in set(expected.get("required", [])) - set(found["required"])]
    if name.endswith("Request"):
        faults += [f"{name}: {one} is required" for one in set(found["required"]) - set(expected["required"])]
    for field, schema in expected["properties"].items():
        faults += list_member_differences(found["properties"].get(field, {}), schema, f"{name}.{field}")
    return faults


def list_member_differences(ours: Json, theirs: Json, where: str) -> list[str]:
    """The same for one member. A constant is an enumeration of one; OpenAPI 3.0's `nullable` is the type `null`."""
    options = [schema_facts(option) for option in alternatives(OURS, ours)]
    faults = [] if schema_facts(theirs) in options else [f"{where}: {schema_facts(theirs)} is none of {options}"]
    if theirs.get("nullable") and {"type": "null"} not in options:
        faults.append(f"{where}: is never null")
    return faults


def schema_facts(schema: Json) -> dict[str, Any]:
    kept = {name: schema[name] for name in ("type", "format", "pattern", "enum") if name in schema}
    if "const" in schema:
        kept["enum"] = [schema["const"]]
    if "additionalProperties" in schema:
        kept["values"] = schema["additionalProperties"]["type"]
    return kept
