"""Twilio's callbacks over HTTP: who may send them, and what a caller hears when we fail."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest
from twilio.request_validator import RequestValidator

from switchboard.aws.writes import Put, write_item
from switchboard.calls import inbound, twilio_callbacks
from switchboard.calls.twilio_callbacks import CallbackStep
from switchboard.carriers.voice.ports.reports import UnreadableCallbackError
from switchboard.carriers.voice.twilio import accounts
from switchboard.errors import Contended, Unavailable
from switchboard.kit import clock
from switchboard.numbers import registration
from tests.actors import Tenant, system, tenant
from tests.integration.sabotage import drain_queue
from tests.unit.calls.calls_in import Line, make_line, make_number, names_of, use_twilio

_STEPS = ("", "after-talk/0", "after-dial", "after-record", "status", "recording", "transcription")
SUBACCOUNT, MAIN = f"AC{'7' * 32}", f"AC{'0' * 32}"


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def line(acme: Tenant) -> Line:
    return make_line(acme)


@pytest.mark.parametrize("step", _STEPS)
def test_a_forged_signature_is_refused_before_anything_is_read(line: Line, step: str) -> None:
    line.token = "forged"
    answer = line.send(step)
    assert (answer.status, answer.body) == (403, "")
    assert line.find_call() is None


@pytest.mark.parametrize("step", _STEPS)
def test_a_form_cannot_be_sent_again_for_another_number(acme: Tenant, line: Line, step: str) -> None:
    mine, others = make_number(acme, place=1), make_line(tenant("other"))
    for number_id in (mine.id, others.number.id, "num_00000000000000000000000000"):
        assert line.send(step, number_id=number_id).status == 403


def test_the_token_of_another_organization_signs_nothing(line: Line) -> None:
    line.token = accounts.simulated_token(tenant("other").org_id)
    assert line.send().status == 403


def test_a_call_of_another_number_of_the_organization_is_unknown(acme: Tenant, line: Line) -> None:
    line.ask()
    other = Line(make_number(acme, place=1))
    assert names_of(other.ask("after-talk/0", SessionStatus="failed")) == ["Hangup"]
    assert line.read_call().voicemail is None


def test_a_form_for_another_telephone_number_gets_a_polite_message(line: Line) -> None:
    assert names_of(line.ask(To="+14155550199")) == ["Say", "Hangup"]
    assert line.find_call() is None


def test_a_released_number_answers_politely(acme: Tenant, line: Line) -> None:
    from switchboard.carriers.numbers import get_inventory

    get_inventory().release(acme.org_id, line.number.sid)
    with clock.using(clock.FrozenClock("2026-03-01T00:00:00Z")):
        registration.sync_numbers(system(acme.org_id))
    assert names_of(line.ask()) == ["Say", "Hangup"]
    assert line.send("status", CallStatus="completed").status == 200
    assert line.find_call() is None


@pytest.mark.parametrize("sid", ["", "CA1", f"CA{'g' * 32}", f"RE{'1' * 32}"])
def test_a_form_without_a_call_is_unreadable(line: Line, sid: str) -> None:
    assert [line.send(step, CallSid=sid).status for step in _STEPS] == [400] * len(_STEPS)


@pytest.mark.parametrize("step", ["recording", "transcription"])
def test_a_recording_without_an_id_is_unreadable(line: Line, step: str) -> None:
    line.ask()
    form = {"RecordingStatus": "completed", "TranscriptionStatus": "completed", "TranscriptionText": "Hi."}
    assert line.send(step, RecordingSid="RE1", **form).status == 400


@pytest.mark.parametrize("step", ["after-talk/x", "after-talk/100", "after-talk/-1"])
def test_a_path_without_a_number_of_a_talk_is_refused(line: Line, step: str) -> None:
    assert line.send(step).status == 403


def test_unknown_parameters_and_states_change_nothing(line: Line) -> None:
    line.ask(New="1")
    version = line.read_call().version
    for form in ({"CallStatus": "queued"}, {"CallStatus": "odd"}, {"CallStatus": "ringing", "Timestamp": "odd"}):
        line.tell("status", **form)
    for zone in ("-2359", "+2359", "+999999999999", ""):
        for year in ("9999", "0001", "99999999"):
            line.tell("status", CallStatus="ringing", Timestamp=f"Fri, 31 Dec {year} 23:59:59 {zone}")
    line.tell("recording", RecordingStatus="in-progress", RecordingSid="x")
    line.tell("transcription", TranscriptionStatus="failed", RecordingSid="x")
    assert line.read_call().version == version


@pytest.mark.parametrize("error", [RuntimeError("fault"), Contended("busy", retry_after=1), Unavailable("down")])
@pytest.mark.parametrize("step", ["", "after-talk/0"])
def test_the_caller_hears_an_apology_when_we_fail(
    line: Line, monkeypatch: pytest.MonkeyPatch, error: Exception, step: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(inbound, "answer_call", fail)
    monkeypatch.setattr(inbound, "find_call", fail)
    said, hung_up = line.ask(step)
    assert (said["text"][:13], hung_up["verb"]) == ("We are sorry.", "Hangup")
    assert line.send("status", CallStatus="completed").status >= 500, "a report is repeated"


def test_the_caller_hears_an_apology_when_the_signature_cannot_be_checked(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the table is down")

    monkeypatch.setattr(twilio_callbacks.accounts, "find_signer", fail)
    assert names_of(line.ask()) == ["Say", "Hangup"]


def test_reports_are_queued_and_applied_later(line: Line) -> None:
    line.ask()
    assert line.send("status", CallStatus="completed", CallDuration="5").status == 200
    assert line.read_call().end_reason is None
    (report,) = drain_queue("voice-events")
    assert (report["kind"], report["duration_seconds"]) == ("ended", 5)


def test_the_main_account_of_the_deployment_signs_for_every_number(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.token = use_twilio(monkeypatch)
    assert names_of(line.ask())[-1] == "Connect"
    line.token = "other"
    assert line.send(call=2).status == 403


class _Api(BaseHTTPRequestHandler):
    """Twilio's API for accounts."""

    asked: ClassVar[list[tuple[str, str | None]]] = []
    answer: tuple[int, bytes] = (200, json.dumps({"auth_token": "sub-token"}).encode())

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("authorization")))
        status, body = self.answer
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Api]]:
    _Api.asked, _Api.answer = [], (200, json.dumps({"auth_token": "sub-token"}).encode())
    server = HTTPServer(("127.0.0.1", 0), _Api)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("SWITCHBOARD_TWILIO_API_URL", f"http://127.0.0.1:{server.server_port}")
    accounts.clear_cache()
    yield _Api
    server.shutdown()
    thread.join()
    server.server_close()
    accounts.clear_cache()


def test_the_subaccount_of_the_organization_signs_with_its_own_token(
    line: Line, acme: Tenant, api: type[_Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_twilio(monkeypatch)
    write_item(Put(table="core", item={"pk": acme.org_id, "sk": "twilio", "account_sid": SUBACCOUNT}))
    line.token = "sub-token"
    assert names_of(line.ask(AccountSid=SUBACCOUNT))[-1] == "Connect"
    assert line.send("status", AccountSid=SUBACCOUNT, CallStatus="completed").status == 200
    basic = base64.b64encode(f"{MAIN}:main-token".encode()).decode()
    assert api.asked == [(f"/2010-04-01/Accounts/{SUBACCOUNT}.json", f"Basic {basic}")], "it is remembered"
    line.token = "forged"
    assert line.send(AccountSid=SUBACCOUNT).status == 403
    line.token = "sub-token"
    assert line.send(AccountSid=f"AC{'8' * 32}").status == 403, "the form of another account"


@pytest.mark.parametrize("answer", [(500, b""), (200, b"{}"), (200, b"["), (200, b"[]")])
def test_without_the_token_of_a_subaccount_the_caller_hears_an_apology(
    line: Line, acme: Tenant, api: type[_Api], monkeypatch: pytest.MonkeyPatch, answer: tuple[int, bytes]
) -> None:
    use_twilio(monkeypatch)
    api.answer = answer
    write_item(Put(table="core", item={"pk": acme.org_id, "sk": "twilio", "account_sid": SUBACCOUNT}))
    line.token = "sub-token"
    assert names_of(line.ask(AccountSid=SUBACCOUNT)) == ["Say", "Hangup"]
    assert line.find_call() is None


def test_the_url_of_the_settings_is_signed_and_no_header(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_PUBLIC_URL", "https://api.example.com:443/")
    path = f"/twilio/voice/{line.number.id}"
    token = accounts.simulated_token(line.number.org_id)

    class Request:
        url = f"https://api.example.com{path}"
        body = b""
        parameters = (("CallSid", "CA1"),)

        def header(self, _: str) -> str:
            return RequestValidator(token).compute_signature(f"https://api.example.com:443{path}", {"CallSid": "CA1"})

    assert twilio_callbacks.verify_callback(Request()) == f"simulator:{line.number.org_id}"


def test_the_place_of_a_callback() -> None:
    assert CallbackStep.of("/twilio/voice/num_1") == ("num_1", "", 0)
    assert CallbackStep.of("/twilio/voice/num_1/after-talk/3") == ("num_1", "after-talk", 3)
    with pytest.raises(UnreadableCallbackError):
        CallbackStep.of("/twilio/voice/num_1/after-talk/\u0663")
