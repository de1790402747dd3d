"""The measurement of opt-outs against texts under way finds a hand-over after an opt-out."""

from __future__ import annotations

import pytest

from switchboard.messaging import sending
from tests.load import sms_opt_outs


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sms_opt_outs, "KINDS", {"campaign": 40, "member": 30, "scheduled": 30, "ai": 30})


def test_no_text_is_handed_over_after_its_opt_out() -> None:
    found = sms_opt_outs.run_opt_outs(1)
    assert found["opt-outs"] == 130
    assert found["handed over after"] == 0
    for kind, number in sms_opt_outs.KINDS.items():
        assert 0 < found[f"{kind}: handed over before"] < number


def test_a_worker_without_the_last_look_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    look = sending.look_again
    # It reads the ledgers, and does not heed them.
    monkeypatch.setattr(sending, "look_again", lambda claimed: look(claimed) and {})
    assert sms_opt_outs.run_opt_outs(1)["handed over after"] > 0
