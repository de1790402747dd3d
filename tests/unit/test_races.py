"""Nobody is dialled and nothing is sent after what was withdrawn, in whatever order actors come and processes die.

`make bench ONLY=interleavings` makes a hundred thousand such runs, `python -m tests.races --seed N` shows one.
"""

from __future__ import annotations

import pytest

from switchboard.accounts import stops
from switchboard.calls import dialing
from switchboard.compliance import ledgers
from switchboard.compliance import service as compliance
from switchboard.email import store as mails
from tests.races.run import run, run_all
from tests.races.world import PLANS, create_start

RUNS = 300


@pytest.fixture(autouse=True)
def _made_before() -> None:
    """What all runs begin with is made while nothing is taken out of the code."""
    for plan in PLANS:
        create_start(plan)


def test_no_order_of_withdrawal_acceptance_claim_and_dial_reaches_who_may_not_be_reached() -> None:
    total = run_all(range(RUNS))
    assert total.failed == {}
    counts = total.counts
    # The runs are worth something: withdrawals come while calls and mails wait, and while they are under way.
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
    """The first problem that runs find of those that a test wants them to find."""
    for seed in range(RUNS):
        for problem in run(seed).problems:
            if wanted in problem:
                return problem
    return "nothing"


#: The checks of a claim, each taken out: what the runs say then.
REMOVED = {
    "the number's ledgers": (compliance, "still_allowed_checks", lambda *_: [], "is accepted though"),
    "the number's ledgers, at the claim": (
        compliance,
        "still_allowed_checks",
        lambda *_: [],
        "claimed after: opt-outs",
    ),
    "organization and key": (stops, "claim_checks", lambda *_, **__: [], "claimed after: org"),
    "the mail's suppressions": (mails, "unsuppressed_check", lambda *_: None, "claimed after: suppressed"),
}


@pytest.mark.parametrize("what", REMOVED)
def test_a_claim_without_its_checks_is_found_out(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    module, name, nothing, wanted = REMOVED[what]
    monkeypatch.setattr(module, name, nothing)
    assert wanted in _found(wanted)


def test_a_cap_that_is_lowered_behind_the_dialers_back_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = stops.claim_checks
    monkeypatch.setattr(stops, "claim_checks", lambda org_id, key_id, **_: checks(org_id, key_id))
    assert "claimed after: cap" in _found("claimed after: cap")


def test_a_withdrawal_that_is_confirmed_and_not_kept_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "block_number", lambda *_: None)
    assert "was confirmed" in _found("was confirmed")


def test_a_call_that_is_dialed_without_a_claim_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialing, "_claim", lambda org, admitted, *_, **__: admitted.call)
    assert "without a claim" in _found("without a claim")
