"""`switchboard gate`."""

from __future__ import annotations

import json

import pytest

from switchboard.calls import service as calls
from switchboard.calls.models import Order, Tier
from switchboard.cli import main
from switchboard.compliance.verdicts import Blocked
from tests.actors import tenant

pytestmark = pytest.mark.usefixtures("cloud")
NOBODY = "+14155550142"


def test_a_block_refuses_the_next_call_with_an_explained_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    acme = tenant()
    order = Order(to=NOBODY, tier=Tier.BASIC, consent_source="business-relationship")
    call = calls.place_call(acme.caller(), order)
    assert main(["gate", "explain", acme.org_id, call.id]) == 0
    assert "allowed" in capsys.readouterr().out
    assert main(["gate", "block", acme.org_id, NOBODY]) == 0
    with pytest.raises(Blocked):
        calls.place_call(acme.caller(), order)
    assert main(["gate", "unblock", acme.org_id, NOBODY]) == 0
    assert calls.place_call(acme.caller(), order).id
    assert main(["gate", "opt-out", acme.org_id, NOBODY]) == 0
    with pytest.raises(Blocked):
        calls.place_call(acme.caller(), order)
    assert main(["gate", "explain", acme.org_id, "call_none"]) == 1
    assert "no verdict" in capsys.readouterr().err
    assert main(["gate", "block", acme.org_id, "12345"]) == 1


def test_the_blocked_numbers_are_listed_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    acme = tenant()
    assert main(["gate", "block", acme.org_id, NOBODY]) == 0
    capsys.readouterr()
    assert main(["gate", "list", acme.org_id, "--json"]) == 0
    assert [row["e164"] for row in json.loads(capsys.readouterr().out)] == [NOBODY]


def test_hours_can_be_set_shown_and_removed(capsys: pytest.CaptureFixture[str]) -> None:
    acme = tenant()
    assert main(["gate", "hours", acme.org_id, "--set", "09:30", "18:00"]) == 0
    capsys.readouterr()
    assert main(["gate", "hours", acme.org_id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"start": "09:30", "end": "18:00"}
    assert main(["gate", "hours", acme.org_id, "--set", "22:00", "23:00"]) == 1
    assert "08:00 and 21:00" in capsys.readouterr().err
    assert main(["gate", "hours", acme.org_id, "--off"]) == 0
    capsys.readouterr()
    assert main(["gate", "hours", acme.org_id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"start": None, "end": None}
