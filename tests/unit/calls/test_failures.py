"""The sentence for a failed call."""

from __future__ import annotations

import pytest

from switchboard.calls.failures import describe_failure
from switchboard.calls.models import State
from switchboard.carriers.voice.ports.reports import EndReason
from tests.actors import Tenant
from tests.unit.call_records.desk import save_call


@pytest.mark.parametrize("state", [State.BUSY, State.NO_ANSWER, State.FAILED, State.CANCELED])
def test_every_failed_call_says_why(acme: Tenant, state: State) -> None:
    call = save_call(acme.org_id, state=state)
    for reason in EndReason:
        told = describe_failure(call.model_copy(update={"end_reason": reason}))
        assert told
        assert told.endswith(".")
    for error in ("the line broke", "The line broke."):
        assert describe_failure(call.model_copy(update={"error": error})) == "The line broke."


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("the provider is down", "The provider is down."),
        ("21211", "The carrier could not place the call: 21211."),
        ("Twilio 21211: invalid number", "Twilio 21211: invalid number."),
    ],
)
def test_an_error_of_a_carrier_is_told_as_a_sentence(acme: Tenant, error: str, told: str) -> None:
    assert describe_failure(save_call(acme.org_id, state=State.FAILED, error=error)) == told


def test_a_call_that_is_over_and_did_not_fail_has_no_reason(acme: Tenant) -> None:
    assert describe_failure(save_call(acme.org_id, state=State.COMPLETED)) is None
