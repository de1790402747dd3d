"""The HUM document: valid, and equal to the contract in its operations."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from openapi_spec_validator import validate

from infra import openapi, topology
from switchboard.team.permissions import PERMISSIONS, Permission, Role
from tests.contract.spec import ORACLE, Operation, Spec, list_schema_differences

CONTRACT = Spec.read(ORACLE / "hum.json")
OURS = Spec.read(openapi.FOLDER / "hum.json")
#: The operations of groups that do not have the contract's form yet (`draft` in `infra/topology.py`).
DRAFTS = openapi.draft_operations("hum")
#: The operations of the contract that are served. The README counts them, so that none gets lost.
EXPECTED = [operation for operation in CONTRACT.operations.values() if operation.id in OURS.operations.keys() - DRAFTS]
#: Statuses beyond those of the contract (docs/contracts/hum.md#errors).
MORE = {402, 409, 413, 415, 429, 500, 503}


def by_id(operation: Operation) -> str:
    return operation.id


faults = partial(list_schema_differences, OURS, CONTRACT)
operations = pytest.mark.parametrize("expected", EXPECTED, ids=by_id)


def test_an_operation_at_a_path_of_the_contract_has_the_contracts_id() -> None:
    theirs = {(one.method, path_shape(one.path)): one.id for one in CONTRACT.operations.values()}
    for operation in OURS.operations.values():
        expected = theirs.get((operation.method, path_shape(operation.path)), operation.id)
        assert operation.id == expected, (
            f'{operation.method} {operation.path}: set operation_id="{expected}" in functions/hum, as in the contract'
        )


def test_a_draft_still_differs_from_the_contract() -> None:
    for group in topology.GROUPS:
        if group.api == "hum" and group.draft:
            ours = openapi.operations_of(group) & CONTRACT.operations.keys()
            assert any(map(differs, ours)) or not ours, (
                f"{group.name} has the contract's form now: remove `draft=True` from its line in infra/topology.py"
            )


def differs(operation_id: str) -> bool:
    """Whether an operation fails one of the tests below."""
    checks = (
        test_path_and_method_are_the_contracts,
        test_its_statuses_are_the_contracts_and_the_common_ones,
        test_its_query_is_the_contracts_with_paging_for_lists,
        test_its_body_is_the_contracts,
        test_its_answers_are_the_contracts,
    )
    for check in checks:
        try:
            check(CONTRACT.operations[operation_id])
        except (AssertionError, KeyError):
            return True
    return False


def test_it_is_valid_and_has_every_route() -> None:
    validate(OURS.document)
    served = {
        (operation.method, path_shape(operation.path))
        for api in openapi.groups("hum")
        for operation in api.router.operations
    }
    told = {(operation.method, path_shape(operation.path)) for operation in OURS.operations.values()}
    assert served == told, f"run: make openapi, because the document differs from the routes at {sorted(served ^ told)}"


@operations
def test_path_and_method_are_the_contracts(expected: Operation) -> None:
    ours = OURS.operations[expected.id]
    assert (ours.method, ours.path) == (expected.method, expected.path), (
        f"serve {expected.id} as {expected.method} {expected.path}. If only the variable differs, add it to "
        "CONTRACT_VARIABLES in switchboard/dialects/hum/document.py"
    )
    names = {name for place, name in OURS.parameters(ours) if place == "path"}
    assert names == {part.strip("{}") for part in ours.path.split("/") if part.startswith("{")}, (
        f"{expected.id}: give its route a parameter for each variable of {ours.path}, and no other in the path"
    )
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
    more = sorted(ours - expected.statuses - MORE)
    assert not more, f"{expected.id}: the contract has no {more}. Change the route, or add them to MORE with the reason"
    successes, wanted = ({status for status in found if status < 400} for found in (ours, expected.statuses))
    assert successes == wanted, f"{expected.id}: declare {sorted(wanted)} at its route, and not {sorted(successes)}"


#: Filters of lists that are not in the contract.
OUR_FILTERS = {
    "listCalls": {("query", "tag")},
    "listWebhookDeliveries": {("query", "status"), ("query", "event")},
}


@operations
def test_its_query_is_the_contracts_with_paging_for_lists(expected: Operation) -> None:
    found, wanted = OURS.parameters(OURS.operations[expected.id]), CONTRACT.parameters(expected)
    theirs = {key: parameter for key, parameter in wanted.items() if key[0] == "query"}
    ours = {key: parameter for key, parameter in found.items() if key[0] == "query"}
    allowed = {("query", "limit"), ("query", "cursor"), *OUR_FILTERS.get(expected.id, ())}
    more = sorted(name for _, name in ours.keys() - theirs.keys() - allowed)
    assert not more, f"{expected.id}: take the parameters {more} off its route: the contract does not have them"
    for key, parameter in theirs.items():
        assert key in ours, f"{expected.id}: give its route the parameter {key[1]} of the contract"
        assert ours[key].get("required", False) == parameter.get("required", False), key
        assert not faults(ours[key]["schema"], parameter["schema"], str(key))


#: Operations whose body the contract leaves open, without any field. Ours names the fields, and refuses others, so that
#: a misspelled one is not lost.
CLOSED_BODIES = {"updateBillingSubscription"}


@operations
def test_its_body_is_the_contracts(expected: Operation) -> None:
    ours = OURS.operations[expected.id]
    theirs = CONTRACT.body(expected)
    assert bool(theirs) == bool(OURS.body(ours))
    if theirs:
        assert ours.raw["requestBody"]["required"] is expected.raw["requestBody"]["required"]
        missing = set(theirs.get("required", [])) - set(OURS.body(ours).get("required", []))
        assert not missing, f"{expected.id}: let its request model require {sorted(missing)}, as the contract does"
        if expected.id in CLOSED_BODIES:
            theirs = {name: value for name, value in theirs.items() if name != "additionalProperties"}
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
    # The pages of widgets have credentials of their own.
    assert ours.keys() == theirs.keys() | {"WidgetKey", "WidgetSession"}
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


#: The fields of requests whose names say all. Every other field has a description.
SELF_EXPLAINING = {
    *("name", "email", "role", "contact_name", "contact_email", "contact_phone"),
    *("address_line1", "address_line2", "address_city", "address_region", "address_postal_code", "address_country"),
}


def list_undescribed_fields() -> list[str]:
    """The fields of bodies that have neither a description nor a name that says all."""
    bodies = [operation.raw.get("requestBody", {}) for operation in OURS.operations.values()]
    waiting, seen, found = [*bodies], set(), []
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        if not isinstance(node, dict):
            continue
        reference = str(node.get("$ref", ""))
        if reference.startswith("#/components/schemas/") and reference not in seen:
            seen.add(reference)
            waiting.append(OURS.document["components"]["schemas"][reference.rpartition("/")[2]])
        for name, field in node.get("properties", {}).items():
            if not field.get("description") and name not in SELF_EXPLAINING:
                found.append(f"{node.get('description', reference)[:40]}: {name}")
        waiting += [part for name, part in node.items() if name not in ("example", "examples")]
    return found


def test_each_field_of_a_request_is_described() -> None:
    undescribed = list_undescribed_fields()
    assert not undescribed, (
        f"give these fields a description in functions/hum/<group>/schemas.py, or add a name that says all to "
        f"SELF_EXPLAINING in {__file__}: {undescribed}"
    )


def test_the_examples_of_errors_fit_their_operations() -> None:
    for path, item in OURS.document["paths"].items():
        for method, operation in item.items():
            told = operation["responses"]
            if "404" in told and told["404"]["description"].startswith("There is no such "):
                noun = told["404"]["description"].removeprefix("There is no such ").strip(".").partition(",")[0]
                assert example_of(told["404"])["message"] == f"There is no such {noun}: check its id.", (method, path)
            body = operation.get("requestBody")
            if body and "400" in told:
                schema = next(iter(body["content"].values()))["schema"]
                model = OURS.document["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
                # A body of lines, and one of any JSON, has no fields to name.
                if "application/x-ndjson" in body["content"] or not body["required"] or not model["properties"]:
                    continue
                (detail,) = example_of(told["400"])["details"]
                assert detail["field"] in model["properties"], (method, path)
                assert (detail["message"] == "is missing") == (detail["field"] in model.get("required", ()))


def example_of(response: dict[str, Any]) -> dict[str, Any]:
    (content,) = response["content"].values()
    example: dict[str, Any] = content["example"]
    return example


def test_headers_have_their_usual_spelling() -> None:
    names = {
        one["name"]
        for item in OURS.document["paths"].values()
        for operation in item.values()
        for one in operation["parameters"]
        if one.get("in") == "header"
    }
    assert names == {"Idempotency-Key", "If-Match", "Last-Event-ID"}
