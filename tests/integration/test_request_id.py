"""Concurrent requests with one `request_id`, on the engine: one call, and every response names it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest

from switchboard.access import keys as access
from switchboard.accounts.models import Caller, KeyKind
from switchboard.calls import initiation
from switchboard.calls.acceptance import AcceptedCall
from switchboard.calls.initiation import CallRequest
from switchboard.compliance.verdicts import Blocked
from switchboard.dialects.opticomm import dialect
from switchboard.errors import QuotaExceeded
from switchboard.events import service as events
from switchboard.kit import clock
from tests.integration.concurrency.conftest import run_together
from tests.unit.opticomm.backend import NOBODY, Backend, backend

pytestmark = pytest.mark.usefixtures("engine_cloud")

THREADS = 12
#: An area code of a state that allows three calls a day to a number.
FLORIDA = "+13055512345"


def caller(asker: Backend) -> Caller:
    return access.caller_of(access.authenticate_key(asker.text, dialect.KEYS), "corr_test")


def unlimited() -> AbstractContextManager[None]:
    return nullcontext()


def send_together(asker: Backend, *wanted: CallRequest) -> list[AcceptedCall | Exception]:
    who = caller(asker)

    def job(one: CallRequest) -> Callable[[], AcceptedCall]:
        return lambda: initiation.initiate_call(who, one, unlimited)

    return run_together([job(one) for one in wanted])


def placed(asker: Backend) -> int:
    moments = ("2026-01-15T00:00:00Z", "2026-01-16T00:00:00Z")
    return sum(event.type == "voice.call.created" for event in events.events_between(*moments, asker.company.org_id))


def call_request(asker: Backend, **changes: str) -> CallRequest:
    return CallRequest.model_validate({"agent": asker.flow.id, "to": NOBODY, "request_id": "r-1"} | changes)


def test_concurrent_requests_start_one_call_and_all_return_it(frozen: clock.FrozenClock) -> None:
    acme = backend()
    outcomes = send_together(acme, *[call_request(acme)] * THREADS)
    answers = [outcome for outcome in outcomes if isinstance(outcome, AcceptedCall)]
    assert len(answers) == THREADS, outcomes
    assert len({answer.call.id for answer in answers}) == 1
    assert [answer.duplicate for answer in answers].count(False) == 1
    assert placed(acme) == 1


def test_live_and_test_are_two_calls(frozen: clock.FrozenClock) -> None:
    acme = backend()
    test = acme.with_key(KeyKind.OPTICOMM_TEST)
    who = [caller(acme), caller(test)] * 4

    def job(one: Caller) -> Callable[[], AcceptedCall]:
        return lambda: initiation.initiate_call(one, call_request(acme), unlimited)

    outcomes = run_together([job(one) for one in who])
    found = {(outcome.call.id, outcome.call.simulated) for outcome in outcomes if isinstance(outcome, AcceptedCall)}
    assert len(found) == placed(acme) == 2
    assert {simulated for _, simulated in found} == {False, True}


@pytest.mark.parametrize("limits", [{"requests_per_day": 1}, {}])
def test_a_concurrent_duplicate_is_not_refused_for_the_limit_that_the_first_used_up(
    frozen: clock.FrozenClock, limits: dict[str, int]
) -> None:
    """The last call of the key's or plan's day is returned to every request with the same id."""
    acme = backend(basic_calls_per_day=1_000 if limits else 1)
    acme = acme.with_key(**limits)
    outcomes = send_together(acme, *[call_request(acme)] * THREADS)
    assert {outcome.call.id for outcome in outcomes if isinstance(outcome, AcceptedCall)}
    assert all(isinstance(outcome, AcceptedCall) for outcome in outcomes), outcomes
    (refused,) = send_together(acme, call_request(acme, request_id="r-2"))
    assert isinstance(refused, QuotaExceeded)


def test_a_states_cap_is_exact_and_refuses_no_repetition(frozen: clock.FrozenClock) -> None:
    acme = backend()
    first = [call_request(acme, to=FLORIDA, request_id=f"r-{number}") for number in range(2)]
    assert all(isinstance(outcome, AcceptedCall) for outcome in send_together(acme, *first))
    last = [call_request(acme, to=FLORIDA, request_id="last")] * 6
    outcomes = send_together(acme, *last)
    assert all(isinstance(outcome, AcceptedCall) for outcome in outcomes), outcomes
    (refused,) = send_together(acme, call_request(acme, to=FLORIDA, request_id="more"))
    assert isinstance(refused, Blocked)
    assert (refused.code, placed(acme)) == ("attempt_cap", 3)


def test_a_keys_daily_limit_is_exact_under_concurrency(frozen: clock.FrozenClock) -> None:
    acme = backend().with_key(requests_per_day=3)
    outcomes = send_together(acme, *(call_request(acme, request_id=f"r-{number}") for number in range(THREADS)))
    assert sum(isinstance(outcome, AcceptedCall) for outcome in outcomes) == placed(acme) == 3
    assert sum(isinstance(outcome, QuotaExceeded) for outcome in outcomes) == THREADS - 3
