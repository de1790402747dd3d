"""Calls out over Twilio for tests: an organization with a flow that calls, a dialer, and the person who is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from switchboard.accounts.models import KeyKind
from switchboard.calls import dialing, store
from switchboard.calls.models import Call
from switchboard.carriers.voice.twilio import accounts
from tests.actors import tenant
from tests.fakes.twilio import CalledPhone, FakeCalls, give_subaccount, serve_twilio
from tests.integration.sabotage import Stream, run_worker
from tests.unit.calls.calls_in import apply_reports
from tests.unit.opticomm.backend import Backend, make_flow, make_key

OWN = "+14155552671"
STATUSES: dict[str, dict[str, str]] = {
    "ringing": {"CallStatus": "ringing", "SequenceNumber": "1"},
    "answered": {"CallStatus": "in-progress", "SequenceNumber": "2"},
    "completed": {"CallStatus": "completed", "CallDuration": "61", "SequenceNumber": "3"},
}


@dataclass
class CallsOut:
    """An organization that calls over Twilio."""

    backend: Backend
    twilio: FakeCalls

    def place(self, **changes: Any) -> Call:
        """Returns a call that was accepted and dialed."""
        call = self.accept(**changes)
        dialing.dial_call(call.org_id, call.id)
        return self.read(call)

    def accept(self, **changes: Any) -> Call:
        answer = self.backend.initiate(**changes)
        assert answer.status_code == 200, answer.text
        found = store.CALLS.get_object(self.backend.company.org_id, answer.json()["call_id"])
        assert found is not None
        return found

    def read(self, call: Call) -> Call:
        found = store.CALLS.get_object(call.org_id, call.id)
        assert found is not None
        return found

    def phone_of(self, call: Call) -> CalledPhone:
        """Returns the phone that Twilio calls for a call."""
        (found,) = (one for one in self.twilio.calls.values() if one["given"]["Url"].endswith(f"/{call.id}"))
        return CalledPhone(found)

    def tell(self, call: Call, status: str, **form: str) -> Call:
        """Posts the report of a status, and applies it."""
        self.phone_of(call).tell(**STATUSES[status], **form)
        apply_reports()
        return self.read(call)


@contextmanager
def calls_out(monkeypatch: pytest.MonkeyPatch, talker: str = "simulator", **flow: Any) -> Iterator[CallsOut]:
    """An organization with a flow that calls over Twilio."""
    carrier = {"VOICE_CARRIER": "twilio", "VOICE_TALKER": talker, "TWILIO_CALLS_PER_SECOND": "inf"}
    for name, value in (carrier | {"OUTBOUND_LOOPBACK": "on"}).items():
        monkeypatch.setenv(f"SWITCHBOARD_{name}", value)
    company, fake = tenant(), FakeCalls()
    give_subaccount(company.org_id)
    made = make_flow(company.org_id, **{"name": "Reminders", "greeting": "Hello {{name}}.", "caller_id": OWN} | flow)
    key, text = make_key(company.org_id, KeyKind.OPTICOMM_LIVE)
    accounts.clear_cache()
    with serve_twilio(fake.answer, monkeypatch):
        yield CallsOut(Backend(company, key, text, made), fake)
    accounts.clear_cache()


def run_dialer_jobs() -> None:
    """Runs the dialer's jobs that the commits started so far. Earlier jobs come again."""
    Stream().hand_on()
    run_worker("workers/dialer")
