"""Verdicts as they are stored: complete, in one write unit, and readable."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from switchboard.aws import dynamodb, writes
from switchboard.aws.reads import Query
from switchboard.aws.writes import Put
from switchboard.compliance import service
from switchboard.kit import clock
from tests.unit.compliance import gate

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

NUMBER, FLORIDA = "+12125551234", "+13055551234"


@pytest.mark.parametrize("number", [NUMBER, FLORIDA, "+442079460018", "+18005551234"])
def test_a_stored_verdict_with_all_its_inputs_takes_one_write_unit(number: str) -> None:
    made = gate.verdict(number)
    writes.write_item(service.verdict_writes(made, "call_00000000000000000000000001"))
    item = _read_stored("verdict#call_00000000000000000000000001")
    assert sum(len(name) + _count_bytes(value) for name, value in dynamodb.encode_item(item).items()) < 1_024
    found = service.get_verdict("org_a", "call_00000000000000000000000001")
    assert found.rules == made.rules
    assert all(rule.version and rule.input for rule in found.rules)
    assert item["expires"] == int((clock.now() + timedelta(days=1830)).timestamp())


def test_a_verdict_stored_before_rules_were_compressed_is_read() -> None:
    made = gate.verdict(NUMBER)
    put = service.verdict_writes(made, "call_1")
    writes.write_item(Put(table="core", item={**put.item, "rules": made.model_dump(mode="json")["rules"]}))
    assert service.get_verdict("org_a", "call_1").rules == made.rules


def _read_stored(name: str) -> dict[str, Any]:
    (item,) = Query(table="core", partition=f"org_a#{name}").read_all()
    return item


def _count_bytes(value: dict[str, Any]) -> int:
    """Returns the bytes of an attribute as DynamoDB counts them."""
    ((kind, content),) = value.items()
    match kind:
        case "M":
            return 3 + sum(1 + len(name) + _count_bytes(part) for name, part in content.items())
        case "L":
            return 3 + sum(1 + _count_bytes(part) for part in content)
        case "S" | "B":
            return len(content)
    return len(str(content)) // 2 + 2
