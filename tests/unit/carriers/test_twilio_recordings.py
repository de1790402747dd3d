"""Recordings of Twilio: fetched with the account's token, within limits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from switchboard.aws.writes import Put, write_item
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError
from switchboard.carriers.voice.ports.recordings import RecordingPlace
from switchboard.carriers.voice.simulator import speech_audio
from switchboard.carriers.voice.twilio.recordings import TwilioRecordings
from tests.unit.calls.calls_in import use_twilio

ACCOUNT, RECORDING = f"AC{'7' * 32}", f"RE{'1' * 32}"
PLACE = RecordingPlace("org_1", "call_1", f"CA{'1' * 32}", RECORDING)
WAV = speech_audio.speak("Hello.")


class _Media(BaseHTTPRequestHandler):
    """Twilio's recordings."""

    asked: ClassVar[list[tuple[str, str | None]]] = []
    #: The answer to every request. The answer to a request for an MP3 file may differ.
    answer: ClassVar[list[tuple[int, bytes]]] = [(200, WAV)]
    mp3: ClassVar[list[tuple[int, bytes]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("authorization")))
        status, body = self.mp3[0] if self.mp3 and ".mp3" in self.path else self.answer[0]
        self.send_response(status)
        if status == 302:
            self.send_header("location", "http://127.0.0.1:1/elsewhere")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_DELETE(self) -> None:
        self.asked.append((f"DELETE {self.path}", self.headers.get("authorization")))
        self.send_response(self.answer[0][0])
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@pytest.fixture
def media(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Media]]:
    _Media.asked.clear()
    _Media.answer[:] = [(200, WAV)]
    _Media.mp3.clear()
    server = HTTPServer(("127.0.0.1", 0), _Media)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    use_twilio(monkeypatch)
    monkeypatch.setenv("SWITCHBOARD_TWILIO_API_URL", f"http://127.0.0.1:{server.server_port}")
    write_item(Put(table="core", item={"pk": "org_1", "sk": "twilio", "account_sid": ACCOUNT}))
    yield _Media
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_recording_is_fetched_from_the_organizations_account(media: type[_Media]) -> None:
    found = TwilioRecordings().fetch(PLACE)
    assert (found.content, found.media_type) == (WAV, "audio/wav")
    ((path, credentials),) = media.asked
    assert path == f"/2010-04-01/Accounts/{ACCOUNT}/Recordings/{RECORDING}.wav?RequestedChannels=1"
    assert str(credentials).startswith("Basic ")


@pytest.mark.parametrize("status", [404, 429, 500, 302])
def test_a_recording_that_may_come_later_is_unknown(media: type[_Media], status: int) -> None:
    media.answer[:] = [(status, b"")]
    with pytest.raises(OutcomeUnknownError):
        TwilioRecordings().fetch(PLACE)


@pytest.mark.parametrize("answer", [(410, b""), (403, b""), (200, b"<html>"), (200, b"")])
def test_a_recording_that_never_comes_is_refused(media: type[_Media], answer: tuple[int, bytes]) -> None:
    media.answer[:] = [answer]
    with pytest.raises(RefusedError):
        TwilioRecordings().fetch(PLACE)


def test_a_recording_above_the_limit_is_fetched_as_mp3(media: type[_Media]) -> None:
    media.mp3[:] = [(200, b"ID3" + b"\0" * 500)]
    found = TwilioRecordings(limit=1_000).fetch(PLACE)
    assert (found.media_type, len(found.content)) == ("audio/mpeg", 503)
    assert [path.rpartition(RECORDING)[2] for path, _ in media.asked] == [
        ".wav?RequestedChannels=1",
        ".mp3?RequestedChannels=1",
    ]


@pytest.mark.parametrize("status", [204, 404, 410])
def test_a_recording_is_deleted_or_was_deleted_before(media: type[_Media], status: int) -> None:
    media.answer[:] = [(status, b"")]
    TwilioRecordings().forget(PLACE)
    ((request, credentials),) = media.asked
    assert request == f"DELETE /2010-04-01/Accounts/{ACCOUNT}/Recordings/{RECORDING}.json"
    assert str(credentials).startswith("Basic ")


@pytest.mark.parametrize("status", [401, 429, 500, 302])
def test_a_recording_that_may_still_be_there_is_unknown(media: type[_Media], status: int) -> None:
    media.answer[:] = [(status, b"")]
    with pytest.raises(OutcomeUnknownError):
        TwilioRecordings().forget(PLACE)


def test_a_recording_above_the_limit_in_every_form_is_refused(media: type[_Media]) -> None:
    with pytest.raises(RefusedError, match="more than 1,000 bytes"):
        TwilioRecordings(limit=1_000).fetch(PLACE)


def test_an_organization_without_an_account_has_no_recordings(media: type[_Media]) -> None:
    with pytest.raises(RefusedError):
        TwilioRecordings().fetch(replace(PLACE, org_id="org_2"))
    TwilioRecordings().forget(replace(PLACE, org_id="org_2"))
    assert media.asked == []


def test_a_call_from_a_number_of_the_platform_is_recorded_at_the_main_account(
    media: type[_Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_CALLER_POOL", "+14155552671")
    TwilioRecordings().fetch(replace(PLACE, own_number="+14155552671"))
    TwilioRecordings().fetch(replace(PLACE, own_number="+14155552672"))
    assert [path.split("/")[3] for path, _ in media.asked] == [f"AC{'0' * 32}", ACCOUNT]
