"""A call that a back end starts, from its acceptance to its end."""

from __future__ import annotations

import pytest

from switchboard.calls import dialing, reports
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason, Report
from switchboard.kit import clock
from switchboard.webhooks.event_names import EVENT_NAMES
from tests.fakes.voice import Provider
from tests.integration.sabotage import play_calls
from tests.unit.opticomm.backend import Backend
from tests.unit.opticomm.external_api.conftest import HOOK, list_events, read_call, read_conversation


def test_a_call_is_accepted_and_reported_until_its_end(live: Backend) -> None:
    made = live.initiate(request_id="r-1").json()
    call_id = made.pop("call_id")
    assert made.pop("conversation_id").startswith("conv_")
    assert made.pop("message") == "The call was accepted.", "it may wait for a lane"
    assert made == {"success": True, "status": "initiated", "duplicate": False}
    first = live.check(call_id=call_id).json()
    assert first == live.check(request_id="r-1").json()
    assert (first["status"], first["duration_seconds"], first["completed_at"]) == ("pending", None, None)
    dialing.dial_call(live.company.org_id, call_id)
    assert live.check(call_id=call_id).json()["status"] == "calling"
    play_calls()
    last = live.check(call_id=call_id).json()
    assert (last["status"], last["outcome"], last["error_message"]) == ("completed", "success", None)
    assert last["duration_seconds"] == 0, "no step of the simulated line takes time"
    assert last["completed_at"] == clock.now_iso()


@pytest.mark.parametrize(
    ("number", "status", "outcome", "error"),
    [
        ("+15005550010", "failed", "busy", "The line is busy."),
        ("+15005550011", "failed", "no_answer", "Nobody answered."),
        ("+15005550001", "failed", "failed", "The carrier could not place the call."),
        ("+15005550002", "failed", "failed", "The number cannot be reached."),
        ("+15005550012", "completed", "voicemail", None),
    ],
)
def test_the_end_of_a_call_is_reported(
    live: Backend, test: Backend, number: str, status: str, outcome: str, error: str | None
) -> None:
    for key in (live, test):
        call_id = key.initiate(phone_number=number).json()["call_id"]
        read_conversation(key, call_id)
        answer = key.check(call_id=call_id).json()
        assert (answer["status"], answer["outcome"], answer["error_message"]) == (status, outcome, error)


def test_a_status_never_goes_back_while_a_provider_has_no_room(live: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    carrier = Provider()
    monkeypatch.setattr(voice, "get_carrier", lambda: carrier.carrier)
    call_id = live.initiate().json()["call_id"]
    for outcome, expected in ((voice.ThrottledError("later"), "pending"), (voice.OutcomeUnknownError("?"), "pending")):
        carrier.outcome = outcome
        dialing.dial_call(live.company.org_id, call_id)
        assert live.check(call_id=call_id).json()["status"] == expected
    call = read_call(live, call_id)
    dialing.confirm_dial(call.org_id, call.id, call.claim)
    assert live.check(call_id=call_id).json()["status"] == "pending"
    reports.apply_report(Report(org_id=call.org_id, call_id=call.id, kind="answered"))
    assert live.check(call_id=call_id).json()["status"] == "calling"
    reports.apply_report(Report(org_id=call.org_id, call_id=call.id, kind="ended", end_reason=EndReason.AGENT_HANGUP))
    assert live.check(call_id=call_id).json()["outcome"] == "unknown"


def test_a_late_report_corrects_an_assumed_failure_without_a_callback(
    live: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = Provider()
    carrier.outcome, carrier.known = voice.OutcomeUnknownError("?"), None
    monkeypatch.setattr(voice, "get_carrier", lambda: carrier.carrier)
    call_id = live.initiate(webhook_url=HOOK).json()["call_id"]
    dialing.dial_call(live.company.org_id, call_id)
    call = read_call(live, call_id)
    dialing.confirm_dial(call.org_id, call.id, call.claim)
    assert live.check(call_id=call_id).json()["status"] == "failed"
    end = Report(org_id=call.org_id, call_id=call.id, kind="ended", end_reason=EndReason.COMPLETED, duration_seconds=60)
    reports.apply_report(end)
    answer = live.check(call_id=call_id).json()
    assert (answer["status"], answer["error_message"]) == ("completed", None)
    corrected = next(event for event in list_events(live) if event.type == "voice.call.corrected")
    assert corrected.type not in EVENT_NAMES["opticomm"]
