"""`switchboard gate`."""

from __future__ import annotations

import pytest

from switchboard.calls import service as calls
from switchboard.calls.models import Order, Tier
from switchboard.cli import main
from switchboard.compliance.errors import Blocked
from tests.actors import tenant

pytestmark = pytest.mark.usefixtures("cloud")
NOBODY = "+14155550142"


def test_a_block_refuses_the_next_call_and_the_refusal_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    acme = tenant()
    order = Order(to=NOBODY, tier=Tier.BASIC, consent_source="business-relationship")
    call = calls.place(acme.caller(), order)
    assert main(["gate", "explain", acme.org_id, call.id]) == 0
    assert "allowed" in capsys.readouterr().out
    assert main(["gate", "block", acme.org_id, NOBODY]) == 0
    with pytest.raises(Blocked):
        calls.place(acme.caller(), order)
    assert main(["gate", "unblock", acme.org_id, NOBODY]) == 0
    assert calls.place(acme.caller(), order).id
    assert main(["gate", "opt-out", acme.org_id, NOBODY]) == 0
    with pytest.raises(Blocked):
        calls.place(acme.caller(), order)
    assert main(["gate", "explain", acme.org_id, "call_none"]) == 1
    assert "no verdict" in capsys.readouterr().err
    assert main(["gate", "block", acme.org_id, "12345"]) == 1
