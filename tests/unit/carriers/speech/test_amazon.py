"""Amazon Transcribe by jobs: started once, fetched when it is done, and forgotten."""

from __future__ import annotations

import pytest

from switchboard.aws import clients, objects
from switchboard.carriers import speech
from switchboard.carriers.speech import AudioSource, RefusedError, ThrottledError, Transcription, UnreadableAudioError
from switchboard.carriers.speech.amazon import AmazonTranscribe
from tests.fakes.transcribe import TranscribeService

pytestmark = pytest.mark.usefixtures("cloud")

AUDIO = AudioSource("uploads", "org_1/uploads/abc", "audio/mpeg")
RESULT = f"{AUDIO.key}.json"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, cloud: dict[str, str]) -> TranscribeService:
    made = TranscribeService("hello there")
    real = clients.get_client
    monkeypatch.setattr(clients, "get_client", lambda name: made if name == "transcribe" else real(name))
    return made


def keys() -> list[str]:
    listed = clients.get_client("s3").list_objects_v2(Bucket=objects.bucket_name("uploads"))
    return [one["Key"] for one in listed.get("Contents", [])]


def test_a_job_reads_the_audio_and_writes_beside_it(service: TranscribeService) -> None:
    AmazonTranscribe().start(AUDIO, "job-1", "es-US")
    bucket = objects.bucket_name("uploads")
    assert service.started == [
        {
            "TranscriptionJobName": "job-1",
            "LanguageCode": "es-US",
            "MediaFormat": "mp3",
            "Media": {"MediaFileUri": f"s3://{bucket}/{AUDIO.key}"},
            "OutputBucketName": bucket,
            "OutputKey": RESULT,
        }
    ]
    assert AmazonTranscribe().fetch(AUDIO, "job-1") == Transcription("hello there", "es-US", 1.5)


def test_a_job_is_started_once_and_nothing_is_left_of_it(service: TranscribeService) -> None:
    engine = AmazonTranscribe()
    engine.start(AUDIO, "job-1")
    engine.start(AUDIO, "job-1")
    assert len(service.started) == 1
    engine.fetch(AUDIO, "job-1")
    assert keys() == [RESULT]
    engine.forget(AUDIO, "job-1")
    engine.forget(AUDIO, "job-1")
    assert (service.jobs, keys()) == ({}, [])


def test_silence_is_an_empty_text(service: TranscribeService) -> None:
    service.text = ""
    AmazonTranscribe().start(AUDIO, "job-1")
    assert AmazonTranscribe().fetch(AUDIO, "job-1") == Transcription("", "en-US", 0.0)


def test_a_running_job_has_no_result_yet(service: TranscribeService) -> None:
    service.looks = 1
    AmazonTranscribe().start(AUDIO, "job-1")
    assert AmazonTranscribe().fetch(AUDIO, "job-1") is None
    assert AmazonTranscribe().fetch(AUDIO, "job-1") is not None


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("The data in your input media file isn't valid. Check the media file and try your request again.", 1),
        ("Invalid file size: file size too large. Check the maximum file size and try your request again.", 1),
        ("The media format that you specified doesn't match the detected media format.", 1),
        ("Internal failure", 0),
    ],
)
def test_a_failure_says_whether_it_is_the_fault_of_the_audio(
    service: TranscribeService, reason: str, error: int
) -> None:
    service.failure = reason
    AmazonTranscribe().start(AUDIO, "job-1")
    with pytest.raises(RefusedError) as found:
        AmazonTranscribe().fetch(AUDIO, "job-1")
    assert isinstance(found.value, UnreadableAudioError) == bool(error)


@pytest.mark.parametrize(
    ("code", "error"), [("LimitExceededException", ThrottledError), ("AccessDeniedException", RefusedError)]
)
def test_a_full_service_is_asked_later_and_a_closed_one_not(
    service: TranscribeService, code: str, error: type[Exception]
) -> None:
    service.errors = [code, code, code]
    for act in (AmazonTranscribe().start, AmazonTranscribe().fetch, AmazonTranscribe().forget):
        with pytest.raises(error):
            act(AUDIO, "job-1")


def test_a_job_that_another_request_finished_is_asked_later(service: TranscribeService) -> None:
    with pytest.raises(ThrottledError):
        AmazonTranscribe().fetch(AUDIO, "job-1")


def test_a_type_without_a_format_is_not_sent(service: TranscribeService) -> None:
    with pytest.raises(UnreadableAudioError):
        AmazonTranscribe().start(AudioSource("uploads", "a", "audio/aac"), "job-1")
    assert not service.started


def test_waiting_looks_again_and_gives_up_in_time(service: TranscribeService) -> None:
    moments, service.looks = [0.0], 3
    wait = {"pause": lambda seconds: moments.append(moments[-1] + seconds), "now": lambda: moments[-1]}
    assert speech.transcribe(AmazonTranscribe(), AUDIO, "job-1", seconds=10, **wait) is not None
    assert len(moments) == 4
    service.looks, moments[:] = 1_000, [0.0]
    assert speech.transcribe(AmazonTranscribe(), AUDIO, "job-1", seconds=10, **wait) is None
    assert 9 < moments[-1] <= 10
    assert len(service.started) == 1
