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


def test_a_call_that_is_over_and_did_not_fail_has_no_reason(acme: Tenant) -> None:
    assert describe_failure(save_call(acme.org_id, state=State.COMPLETED)) is None
