"""Many concurrent calls on the engine: never more than the cap, and one ledger entry per number."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import moto  # noqa: F401 it must be known before the first client is made, or later tests in this process go past it
import pytest

from switchboard.aws.writes import commit
from switchboard.carriers.registries import SimulatedReassignedNumbers
from switchboard.compliance import ledgers, service
from switchboard.compliance.models import ContactAttempt
from switchboard.compliance.verdicts import Blocked, Verdict
from switchboard.events.models import Actor, SystemActor
from tests.unit.compliance.gate import CONSENT

pytestmark = pytest.mark.usefixtures("engine_cloud", "frozen")

ORIGIN = SystemActor(org_id="org_a", actor=Actor(type="key", id="key_1"), agent_id=None, correlation_id="corr_1")
#: In Florida, where the law allows three calls a day.
CALL = ContactAttempt(org_id="org_a", channel="voice", to="+13055551234", consent=CONSENT)


def evaluate_attempt() -> Verdict:
    return service.evaluate(CALL, SimulatedReassignedNumbers())


def test_ten_concurrent_calls_become_three() -> None:
    verdicts = [evaluate_attempt() for _ in range(10)]
    assert all(verdict.allowed for verdict in verdicts)

    def commit_call(verdict: Verdict) -> str | None:
        try:
            commit(service.allowed_writes(verdict), service.verdict_writes(verdict, f"call_{id(verdict)}"))
        except Blocked as refusal:
            return refusal.code
        return None

    with ThreadPoolExecutor(5) as pool:
        outcomes = list(pool.map(commit_call, verdicts))
    assert outcomes.count(None) == 3
    assert outcomes.count("attempt_cap") == 7
    assert evaluate_attempt().code == "attempt_cap"


def test_ten_concurrent_blocks_become_one() -> None:
    with ThreadPoolExecutor(5) as pool:
        entries = list(pool.map(lambda number: ledgers.block_number(ORIGIN, CALL.to, f"reason {number}"), range(10)))
    assert len({entry.reason for entry in entries}) == 1
    assert evaluate_attempt().code == "dnc"
    assert [ledgers.unblock_number(ORIGIN, CALL.to) for _ in range(2)] == [True, False]
    ledgers.record_consent(ORIGIN, CALL.to, "opt-in:web-form", "2025-01-01")
    assert evaluate_attempt().allowed
