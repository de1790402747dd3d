"""HUM's `/api/flows/ai-transcribe`: a sample of audio in, its words out, and nothing kept."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from functions.hum.transcription.handler import api
from switchboard.aws import clients, objects
from switchboard.carriers import speech
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.events import service as events
from switchboard.flows import transcription
from switchboard.kit import clock
from switchboard.people import sessions
from switchboard.team.permissions import Role
from switchboard.usage import charges
from tests.actors import Tenant, member, tenant
from tests.fakes.transcribe import TranscribeService
from tests.recordings import NOISES, encode, recording, wav_of
from tests.unit.edge.asking import send_request
from tests.unit.edge.test_multipart import BOUNDARY, build_form, build_part

PATH = "/api/flows/ai-transcribe"
Ask = Callable[..., tuple[int, Any, dict[str, str]]]


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant(requests_per_minute=10_000, requests_per_second=10_000)


@pytest.fixture
def ask(acme: Tenant) -> Ask:
    return asking(acme)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, acme: Tenant) -> TranscribeService:
    """Amazon Transcribe in the place of the local engine. Nothing waits."""
    made, moments = TranscribeService("hello there"), [0.0]
    real, transcribe = clients.get_client, speech.transcribe
    monkeypatch.setenv("SWITCHBOARD_TRANSCRIBER", "amazon")
    monkeypatch.setattr(clients, "get_client", lambda name: made if name == "transcribe" else real(name))
    wait = {"pause": lambda seconds: moments.append(moments[-1] + seconds), "now": lambda: moments[-1]}
    monkeypatch.setattr(speech, "transcribe", lambda *args, **options: transcribe(*args, **options, **wait))
    return made


def asking(acme: Tenant, role: Role = Role.OPERATOR) -> Ask:
    """A function that sends a form of a member with that role."""
    cookie = sessions.open_session(member(acme.org_id, role, "Ada").user, acme.org_id)

    def ask(*parts: bytes, body: bytes | None = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        sent = {"cookie": f"{COOKIE}={cookie}", "content-type": f'multipart/form-data; boundary="{BOUNDARY}"'}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer = send_request(api, "POST", PATH, build_form(*parts) if body is None else body, headers=sent)
        return answer.status, json.loads(answer.body), answer.headers

    return ask


def audio(data: bytes, media_type: str = "audio/wav", filename: str = "note.wav") -> bytes:
    return build_part("audio", data, disposition=f'; filename="{filename}"', headers=f"Content-Type: {media_type}")


def kept() -> list[str]:
    listed = clients.get_client("s3").list_objects_v2(Bucket=objects.bucket_name("uploads"))
    return [one["Key"] for one in listed.get("Contents", [])]


def recorded(acme: Tenant) -> list[dict[str, Any]]:
    """The data of the events of transcriptions."""
    found = events.events_between(clock.now_iso(), clock.format_iso(clock.now() + timedelta(hours=1)), acme.org_id)
    return [dict(one.data) for one in found if one.type == "flow.audio_transcribed"]


def test_a_sample_becomes_text_and_only_its_event_is_kept(acme: Tenant, ask: Ask) -> None:
    sample = recording("hello_world")
    status, found, _ = ask(audio(sample))
    assert (status, found) == (200, {"text": "hello world", "language": "en-US", "duration_sec": 1.14})
    assert kept() == []
    digest = hashlib.sha256(sample).hexdigest()
    assert recorded(acme) == [{"sample": digest, "size": len(sample), "seconds": 1}]


@pytest.mark.parametrize("form", ["wav", "mulaw", "m4a", "webm"])
def test_the_bytes_decide_the_type_and_not_what_the_sender_calls_it(ask: Ask, form: str) -> None:
    status, found, _ = ask(audio(encode(recording("hello_world"), form), "image/png", "picture.png"))
    assert status == 200, found
    # A telephone's band has no high tones, so that the first word is lost there.
    assert found["text"] == ("the world" if form == "mulaw" else "hello world")
    assert found["duration_sec"] == pytest.approx(1.14, abs=0.15)


@pytest.mark.parametrize(
    "noise", [wav_of(iter([0.0] * 16_000)), wav_of(NOISES["white"](random.Random(1), 3e3, 32_000))]
)
def test_silence_and_noise_have_an_empty_text(ask: Ask, noise: bytes) -> None:
    assert ask(audio(noise))[:2][1]["text"] == ""


@pytest.mark.parametrize(
    ("parts", "code", "field"),
    [
        ([audio(b"%PDF-1.7 no audio at all")], "unsupported_audio", "audio"),
        ([audio(b"just text", "audio/wav")], "unsupported_audio", "audio"),
        ([audio(recording("counting")[:44])], "unreadable_audio", "audio"),
        ([audio(b"ID3" + bytes(5_000), "audio/mpeg")], "unreadable_audio", "audio"),
        ([audio(b"\x1a\x45\xdf\xa3" + b"\xff" * 900, "audio/webm")], "unreadable_audio", "audio"),
        ([audio(b"")], "invalid_request", "audio"),
        ([build_part("sound", recording("hello_world"), disposition='; filename="a.wav"')], "invalid_request", "sound"),
        ([audio(recording("hello_world"))] * 2, "invalid_request", "audio"),
        ([audio(recording("hello_world")), build_part("language", b"en")], "invalid_request", "language"),
        ([build_part("audio", b"hello world")], "invalid_request", "audio"),
    ],
    ids=[
        *("a document", "text", "only a header", "only a tag", "damaged", "empty", "another field"),
        *("two files", "a text field", "text instead of a file"),
    ],
)
def test_what_is_no_sample_is_refused_before_it_is_stored(ask: Ask, parts: list[bytes], code: str, field: str) -> None:
    status, found, _ = ask(*parts)
    assert (status, found["code"]) == (400, code), found
    assert found["details"][0]["field"] == field
    assert kept() == []


def test_a_form_that_was_cut_off_is_refused(ask: Ask) -> None:
    for body in (build_form(audio(recording("hello_world")))[:-30], build_form(), b""):
        status, found, _ = ask(body=body)
        assert (status, found["error"]) == (400, "invalid_request"), found


def test_sound_that_cannot_be_decoded_is_refused_and_deleted(ask: Ask) -> None:
    flac = encode(recording("hello_world"), "flac")
    status, found, _ = ask(audio(flac[:60]))
    assert (status, found["code"]) == (400, "unreadable_audio"), found
    assert kept() == []


def test_a_long_sample_and_a_large_one_are_refused(ask: Ask) -> None:
    status, found, _ = ask(audio(wav_of(iter([0.0] * 16_000 * 61))))
    assert (status, found["code"]) == (400, "audio_too_long"), found
    status, found, _ = ask(audio(recording("hello_world") + bytes(4_194_304)))
    assert (status, found["code"]) == (413, "payload_too_large"), found
    assert kept() == []


def test_a_viewer_may_not_transcribe(acme: Tenant) -> None:
    assert asking(acme, Role.VIEWER)(audio(recording("hello_world")))[0] == 403


def test_the_days_last_sample_is_the_last(ask: Ask, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock) -> None:
    monkeypatch.setattr(transcription, "SAMPLES_PER_DAY", 2)
    assert [ask(audio(recording("hello_world")))[0] for _ in range(3)] == [200, 200, 402]
    refusal = ask(audio(recording("hello_world")))[1]
    assert (refusal["code"], refusal["message"]) == (
        "daily_cap", "The organization's 2 samples of today are used: try again tomorrow (UTC).",
    )  # fmt: skip
    frozen.advance(hours=8)
    assert ask(audio(recording("hello_world")))[0] == 200


def test_a_repeated_request_gets_the_first_answer_and_is_counted_once(ask: Ask, service: TranscribeService) -> None:
    first = ask(audio(recording("hello_world")), idempotency_key="once")
    service.text = "something else"
    again = ask(audio(recording("hello_world")), idempotency_key="once")
    assert again[:2] == first[:2]
    assert len(service.started) == 1
    assert ask(audio(recording("counting")), idempotency_key="once")[0] == 409


def test_an_unfinished_transcription_goes_on_with_the_next_request(ask: Ask, service: TranscribeService) -> None:
    service.looks = 40
    status, found, headers = ask(audio(recording("hello_world")), idempotency_key="slow")
    assert (status, found["code"], headers["retry-after"]) == (503, "transcription_running", "5")
    assert len(kept()) == 1
    status, found, _ = ask(audio(recording("hello_world")), idempotency_key="slow")
    assert (status, found["text"], found["duration_sec"]) == (200, "hello there", 1.14)
    assert len(service.started) == 1
    assert (kept(), service.jobs) == ([], {})


def test_organizations_do_not_share_a_job(ask: Ask, service: TranscribeService) -> None:
    service.looks = 80
    ask(audio(recording("hello_world")))
    asking(tenant("globex"))(audio(recording("hello_world")))
    assert len({job["TranscriptionJobName"] for job in service.started}) == 2


def test_a_service_that_fails_is_a_503(ask: Ask, service: TranscribeService) -> None:
    for code in ("LimitExceededException", "AccessDeniedException"):
        service.errors = [code]
        status, found, headers = ask(audio(recording("hello_world")))
        assert (status, found["code"], headers["retry-after"]) == (503, "service_unavailable", "5")


def test_an_answer_is_given_although_its_sample_cannot_be_deleted(ask: Ask, service: TranscribeService) -> None:
    real = service.delete_transcription_job

    def fail(**request: Any) -> dict[str, Any]:
        service.errors = ["LimitExceededException"]
        return real(**request)

    service.delete_transcription_job = fail  # type: ignore[method-assign]
    assert ask(audio(recording("hello_world")))[0] == 200
    assert [key.rpartition(".")[2] for key in kept()] == ["json"]


def count_charged(acme: Tenant) -> int:
    return charges.used_in_month(acme.org_id, clock.now_iso()[:10], "transcriptions")


def test_a_failed_job_starts_anew_with_the_next_request(acme: Tenant, ask: Ask, service: TranscribeService) -> None:
    service.failure = "Internal failure. Please try again."
    status, found, headers = ask(audio(recording("hello_world")))
    assert (status, found["code"], headers["retry-after"]) == (503, "service_unavailable", "5")
    assert service.jobs == {}
    service.failure = ""
    assert ask(audio(recording("hello_world")))[0] == 200
    assert (len(service.started), count_charged(acme)) == (2, 2)


def test_a_result_that_was_deleted_before_anybody_asked_is_made_again(
    acme: Tenant, ask: Ask, service: TranscribeService
) -> None:
    service.looks = 40
    ask(audio(recording("hello_world")))
    service.looks = 0
    (job,) = service.jobs
    service.get_transcription_job(job)  # the job ends, and nobody asks before its bucket deletes the files
    for key in kept():
        clients.get_client("s3").delete_object(Bucket=objects.bucket_name("uploads"), Key=key)
    assert ask(audio(recording("hello_world")))[0] == 503
    assert ask(audio(recording("hello_world")))[0] == 200
    assert (len(service.started), count_charged(acme)) == (2, 2)


def test_a_job_is_charged_once_however_often_it_is_looked_at(
    acme: Tenant, ask: Ask, service: TranscribeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcription, "SAMPLES_PER_DAY", 1)
    service.looks = 90
    answers = [ask(audio(recording("hello_world")))[0] for _ in range(4)]
    assert answers == [503, 503, 503, 200]
    assert (len(service.started), count_charged(acme)) == (1, 1)
    assert ask(audio(recording("hello_world")))[0] == 402
    assert len(service.started) == 1
