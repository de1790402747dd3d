"""Nobody is called or mailed after a withdrawal, for any order of actors and any killed process.

`make bench ONLY=interleavings` makes a hundred thousand such runs, `python -m tests.races --seed N` shows one.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchboard.accounts import stops
from switchboard.calls import dialing
from switchboard.compliance import ledgers
from switchboard.compliance import service as compliance
from switchboard.compliance import store as facts
from switchboard.email import store as mails
from tests.races.run import run, run_all
from tests.races.world import PLANS, create_start

RUNS = 300


@pytest.fixture(autouse=True)
def _made_before() -> None:
    """Makes the start of all runs while the code is complete."""
    for plan in PLANS:
        create_start(plan)


def test_no_interleaving_reaches_a_person_who_withdrew() -> None:
    total = run_all(range(RUNS))
    assert total.failed == {}
    counts = total.counts
    # The runs are meaningful: withdrawals come while calls and mails wait, and while they run.
    assert min(counts.before, counts.after) > RUNS / 20
    assert min(counts.taken, counts.stopped) > RUNS / 5
    assert {"org", "key", "cap", "dnc", "opt-outs", "suppressed"} <= counts.kinds.keys()


def test_a_seed_is_the_same_run_each_time() -> None:
    stories: list[list[str]] = [[], []]
    for story in stories:
        run(11, story.append)
    assert stories[0] == stories[1]
    assert len(stories[0]) > 10


def _found(wanted: str) -> str:
    """The first problem of the wanted kinds that the runs find."""
    for seed in range(RUNS):
        for problem in run(seed).problems:
            if wanted in problem:
                return problem
    return "nothing"


#: The checks of a claim. Each is removed in turn; beside it the problem that the runs must find.
REMOVED = {
    "the number's opt-outs": (compliance, "still_allowed_checks", lambda *_: [], "claimed after: opt-outs"),
    "the number's blocks": (compliance, "still_allowed_checks", lambda *_: [], "claimed after: dnc"),
    "organization and key": (stops, "claim_checks", lambda *_, **__: [], "claimed after: org"),
    "the mail's suppressions": (mails, "unsuppressed_check", lambda *_: None, "claimed after: suppressed"),
}


@pytest.mark.parametrize("what", REMOVED)
def test_a_claim_without_its_checks_is_detected(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    module, name, nothing, wanted = REMOVED[what]
    monkeypatch.setattr(module, name, nothing)
    assert wanted in _found(wanted)


def test_an_acceptance_that_does_not_read_the_ledgers_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    read = facts.read_facts_of_many
    monkeypatch.setattr(
        facts,
        "read_facts_of_many",
        lambda wanted: [replace(one, blocked=False, opted_out=False) for one in read(wanted)],
    )
    assert "is accepted though" in _found("is accepted though")


def test_a_concurrently_lowered_cap_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = stops.claim_checks
    monkeypatch.setattr(stops, "claim_checks", lambda org_id, key_id, **_: checks(org_id, key_id))
    assert "claimed after: cap" in _found("claimed after: cap")


def test_a_confirmed_but_unsaved_withdrawal_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "block_number", lambda *_: None)
    assert "was confirmed" in _found("was confirmed")


def test_a_call_dialed_without_a_claim_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialing, "_claim", lambda org, admitted, *_, **__: admitted.call)
    assert "without a claim" in _found("without a claim")
