"""Recordings of calls: fetched once, tried again later, and given up at last."""

from __future__ import annotations

import io
import wave
from datetime import timedelta
from typing import Any

import pytest

from switchboard import telemetry
from switchboard.aws import objects
from switchboard.aws.dynamodb import decode_item
from switchboard.calls import recordings, recordings_at_provider, reports
from switchboard.calls.jobs import FetchRecording, ForgetRecording
from switchboard.calls.models import CallerMessageState, CallRecording
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.recordings import Audio, RecordingPlace
from switchboard.carriers.voice.ports.reports import Recording, Report
from switchboard.carriers.voice.simulator import caller_state, speech_audio
from switchboard.errors import NotFound
from switchboard.events import registry
from switchboard.events.models import Actor
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.integration.sabotage import scan_items
from tests.unit.calls.calls_in import Line, make_line
from tests.unit.calls.live_calls import list_actions

RECORDING = f"RE{'1' * 32}"
OPERATOR = Actor(type="operator", id="ada")
WAV = speech_audio.speak("Please call me back.")


class Source:
    """Recordings that the test controls."""

    def __init__(self) -> None:
        self.answer: Audio | Exception = Audio(WAV, "audio/wav")
        self.asked: list[RecordingPlace] = []
        self.forgotten: list[RecordingPlace] = []

    def fetch(self, place: RecordingPlace) -> Audio:
        self.asked.append(place)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def forget(self, place: RecordingPlace) -> None:
        self.forgotten.append(place)
        if isinstance(self.answer, Exception):
            raise self.answer


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    found = Source()
    monkeypatch.setattr(voice, "find_recordings", lambda _: found)
    return found


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    counted: list[str] = []
    monkeypatch.setattr(telemetry, "emit_metric", lambda name, *_, **__: counted.append(name))
    return counted


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def line(acme: Tenant) -> Line:
    """A line with a call whose recording is reported."""
    found = make_line(acme)
    found.ask()
    report(found, voicemail=True)
    return found


def report(line: Line, *, voicemail: bool, recording_id: str = RECORDING) -> None:
    call = line.read_call()
    made = Recording(id=recording_id, url="https://api.twilio.com/x", duration_seconds=2, voicemail=voicemail)
    reports.apply_report(Report(org_id=call.org_id, call_id=call.id, kind="recorded", recording=made))


def fetch(line: Line, attempts: int = 0) -> CallRecording:
    call = line.read_call()
    recordings.fetch_recording(call.org_id, call.id, RECORDING, attempts)
    return line.read_call().recordings[0]


def actions(acme: Tenant, line: Line) -> list[str]:
    return [one for one in list_actions(acme, line.read_call().correlation_id) if "record" in one]


def test_a_message_is_stored_under_the_organization_and_told_once(acme: Tenant, line: Line, source: Source) -> None:
    call = line.read_call()
    found = fetch(line)
    assert found.key == f"{acme.org_id}/calls/{call.id}/{RECORDING}.wav"
    assert (found.media_type, found.size_bytes) == ("audio/wav", len(WAV))
    assert objects.read_object("recordings", found.key, 10**6, 10).content == WAV
    assert fetch(line) == found
    assert len(source.asked) == 1
    assert actions(acme, line) == ["voice.call.recorded", "voice.call.voicemail_recorded"]


def test_the_recording_of_a_conversation_is_no_message(acme: Tenant, source: Source) -> None:
    line = make_line(acme)
    line.ask()
    report(line, voicemail=False)
    assert fetch(line).key
    assert actions(acme, line) == ["voice.call.recorded", "voice.call.recording_stored"]
    assert line.read_call().voicemail is None


def test_a_recording_starts_its_fetching() -> None:
    assert registry.TYPES["voice.call.recorded"].starts == ("recordings",)


@pytest.mark.parametrize("error", [voice.OutcomeUnknownError("404"), voice.ThrottledError("429")])
def test_a_recording_that_is_not_there_yet_is_tried_again(line: Line, source: Source, error: Exception) -> None:
    source.answer = error
    found = fetch(line)
    assert (found.key, found.lost) == (None, False)
    source.answer = Audio(WAV, "audio/wav")
    assert fetch(line, 1).key


def test_the_last_attempt_gives_up(acme: Tenant, line: Line, source: Source) -> None:
    source.answer = voice.OutcomeUnknownError("404")
    assert not fetch(line, recordings.MAX_ATTEMPTS - 2).lost
    assert fetch(line, recordings.MAX_ATTEMPTS - 1).lost
    assert line.read_call().voicemail is CallerMessageState.LOST
    assert actions(acme, line) == ["voice.call.recorded", "voice.call.recording_lost"]
    source.answer = Audio(WAV, "audio/wav")
    assert fetch(line).key is None, "it is not asked for again"


def test_a_refusal_gives_up_at_once(line: Line, source: Source) -> None:
    source.answer = voice.RefusedError("410")
    assert fetch(line).lost


def test_a_recording_of_an_unknown_provider_stays_where_it_is(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "find_recordings", lambda _: None)
    found = fetch(line)
    assert (found.key, found.lost) == (None, False)


def test_an_unknown_recording_or_call_is_skipped(acme: Tenant, line: Line, source: Source) -> None:
    call = line.read_call()
    recordings.fetch_recording(acme.org_id, call.id, "RE_other", 0)
    recordings.fetch_recording(acme.org_id, "call_other", RECORDING, 0)
    recordings.fetch_recording(tenant("other").org_id, call.id, RECORDING, 0)
    assert source.asked == []


def test_the_simulated_recording_is_audio_of_what_was_said(acme: Tenant, line: Line) -> None:
    call = line.read_call()
    caller_state.save_recording(acme.org_id, call.provider_call_id or "", RECORDING, ["Please call me back."])
    key = fetch(line).key
    assert key
    with wave.open(io.BytesIO(objects.read_object("recordings", key, 10**6, 10).content)) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    assert round(seconds) == speech_audio.speech_seconds("Please call me back.")


def test_a_job_names_its_attempts() -> None:
    job = FetchRecording(org_id="o", call_id="c", recording_id="r", attempts=3)
    assert FetchRecording.parse_body(job.body) == job


def list_deletions() -> list[dict[str, Any]]:
    """Returns the queued deletions at the provider, in the outbox and among the timers."""
    bodies = [decode_item(item).get("body") for item in scan_items("activity")]
    return [body for body in bodies if isinstance(body, dict) and body.get("job") == "ForgetRecording"]


def forget(line: Line, attempts: int = 0) -> None:
    call = line.read_call()
    recordings_at_provider.forget_recording(call.org_id, call.id, RECORDING, attempts)


def test_the_providers_copy_is_deleted_once_ours_is_known(line: Line, source: Source) -> None:
    source.answer = voice.OutcomeUnknownError("404")
    fetch(line)
    assert list_deletions() == []
    source.answer = Audio(WAV, "audio/wav")
    fetch(line)
    call = line.read_call()
    (queued,) = list_deletions()
    assert ForgetRecording.parse_body(queued) == ForgetRecording(
        org_id=call.org_id, call_id=call.id, recording_id=RECORDING
    )
    fetch(line)
    assert len(list_deletions()) == 1
    forget(line)
    assert source.forgotten == [recordings_at_provider.place_of(call, RECORDING)]


@pytest.mark.parametrize(
    "error", [voice.OutcomeUnknownError("500"), voice.ThrottledError("429"), voice.RefusedError("401")]
)
def test_a_failed_deletion_is_tried_again_until_an_operator_is_asked(
    line: Line, source: Source, error: Exception, metrics: list[str]
) -> None:
    source.answer = error
    forget(line, recordings_at_provider.MAX_ATTEMPTS - 2)
    (queued,) = list_deletions()
    assert queued["attempts"] == recordings_at_provider.MAX_ATTEMPTS - 1
    assert metrics == []
    forget(line, recordings_at_provider.MAX_ATTEMPTS - 1)
    assert len(list_deletions()) == 1
    assert metrics == ["RecordingNotForgotten"]


@pytest.mark.parametrize(("voicemail", "minutes"), [(False, 0), (True, 14)])
def test_a_message_stays_at_the_provider_until_its_text_is_made(
    acme: Tenant, source: Source, voicemail: bool, minutes: int
) -> None:
    line = make_line(acme)
    line.ask()
    report(line, voicemail=voicemail)
    fetch(line)
    items = [decode_item(item) for item in scan_items("activity")]
    (due,) = [item["due"] for item in items if "ForgetRecording" in str(item.get("body"))]
    assert clock.parse(due) == clock.now() + timedelta(minutes=minutes)


def test_a_simulated_recording_that_was_deleted_cannot_be_fetched(acme: Tenant, line: Line) -> None:
    call = line.read_call()
    caller_state.save_recording(acme.org_id, call.provider_call_id or "", RECORDING, ["Please call me back."])
    forget(line)
    forget(line)
    assert fetch(line).lost


def test_an_operator_fetches_a_lost_recording_again(
    acme: Tenant, line: Line, source: Source, metrics: list[str]
) -> None:
    source.answer = voice.RefusedError("the recording has more than 64 bytes")
    fetch(line)
    call = line.read_call()
    assert metrics == ["RecordingLost"]
    assert recordings_at_provider.fetch_lost_again(OPERATOR, acme.org_id, call.id) == [RECORDING]
    assert line.read_call().voicemail is CallerMessageState.RECORDED
    assert registry.TYPES["voice.call.recording_requested"].starts == ("recordings",)
    source.answer = Audio(WAV, "audio/wav")
    assert fetch(line).key
    assert actions(acme, line)[1:] == [
        "voice.call.recording_lost",
        "voice.call.recording_requested",
        "voice.call.voicemail_recorded",
    ]
    assert recordings_at_provider.fetch_lost_again(OPERATOR, acme.org_id, call.id) == []
    assert recordings_at_provider.forget_again(acme.org_id, call.id) == [RECORDING]
    with pytest.raises(NotFound):
        recordings_at_provider.fetch_lost_again(OPERATOR, acme.org_id, "call_other")
