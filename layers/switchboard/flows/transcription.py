"""Transcribes a short sample of audio, for people who write a flow.

The sample is stored for the recognizer and deleted after its answer. Nobody keeps its text. A sample that needs longer
than a request may take goes on: the same bytes lead to the same job, so the next request waits for that job. A job that
failed, or whose result is gone, is forgotten, and the next request starts it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Protocol

from switchboard import telemetry
from switchboard.aws import objects
from switchboard.carriers import speech
from switchboard.carriers.speech import (
    AudioSource,
    NotInstalledError,
    RefusedError,
    ThrottledError,
    Transcription,
    UnreadableAudioError,
)
from switchboard.carriers.speech.durations import measure_seconds
from switchboard.errors import Invalid, Unavailable
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.kit import background
from switchboard.persistence.idempotency import commit_once
from switchboard.team.models import Member
from switchboard.usage import service as usage

#: The longest sample. It costs at most 3 cents, and a recognizer has its text within a request's time.
MAX_SAMPLE_SECONDS = 60
#: How many samples an organization may transcribe in a day (UTC). Each costs money.
SAMPLES_PER_DAY = 200
#: API Gateway ends a request after 29 s.
_WAIT_SECONDS = 20.0
_RETRY_SECONDS = 5
_BUCKET = "uploads"


class AudioSample(Protocol):
    """A file that a person sent. `media_type` is that of its bytes."""

    @property
    def size(self) -> int: ...
    @property
    def media_type(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    def read_chunks(self) -> Iterator[bytes]:
        """Yields the file's bytes."""


def transcribe_sample(origin: Member, sample: AudioSample) -> Transcription:
    """Returns what is said in a sample: an empty text for silence and noise.

    Raises Invalid for audio that is damaged or too long, QuotaExceeded after the day's last sample, and Unavailable if
    the recognizer needs longer or fails.
    """
    seconds = _measured_seconds(sample)
    audio = AudioSource(_BUCKET, f"{origin.org_id}/uploads/{sample.sha256}", sample.media_type)
    job = f"sample-{hashlib.sha256(audio.key.encode()).hexdigest()[:40]}"
    # A request that the rate limiter refuses must not ask or store anything.
    background.wait_for_guard()
    transcriber = speech.configured_transcriber()
    if not _is_started(transcriber, job):
        # Each job costs money. A later look at a job that runs costs nothing.
        org = origin.organization
        limit = usage.unbilled_limit(org, SAMPLES_PER_DAY)
        refusal = f"The organization's {limit} samples of today are used: try again tomorrow (UTC)."
        usage.commit_within([usage.daily_charge(org, "transcriptions", limit, refusal_text=refusal)])
        objects.upload_object(_BUCKET, audio.key, sample.read_chunks(), sample.media_type)
    found = _transcribed(transcriber, audio, job)
    event = events.new_event_write(
        origin,
        "flow.audio_transcribed",
        Subject(type="organization", id=origin.org_id),
        sample=sample.sha256,
        size=sample.size,
        seconds=round(seconds),
    )
    commit_once(origin.effect, job, event)
    return Transcription(found.text, found.language, round(seconds, 2))


def _measured_seconds(sample: AudioSample) -> float:
    try:
        seconds = measure_seconds(sample.media_type, b"".join(sample.read_chunks()))
    except UnreadableAudioError:
        raise _unreadable() from None
    if seconds > MAX_SAMPLE_SECONDS:
        raise Invalid(
            f"The audio is longer than {MAX_SAMPLE_SECONDS} seconds: send a shorter sample.",
            code="audio_too_long",
            fields={"audio": f"takes {seconds:.0f} seconds: send {MAX_SAMPLE_SECONDS} at most"},
        )
    return seconds


def _is_started(transcriber: speech.Transcriber, job: str) -> bool:
    try:
        return transcriber.has_job(job)
    except (RefusedError, ThrottledError) as error:
        raise _unavailable(job, error) from error


def _transcribed(transcriber: speech.Transcriber, audio: AudioSource, job: str) -> Transcription:
    """Returns the text of stored audio, and deletes the audio if the recognizer is done with it."""
    try:
        found = speech.transcribe(transcriber, audio, job, seconds=_WAIT_SECONDS)
    except UnreadableAudioError:
        _delete_sample(transcriber, audio, job)
        raise _unreadable() from None
    except (RefusedError, ThrottledError) as error:
        raise _unavailable(job, error) from error
    if found is None:
        raise Unavailable(
            "The audio is still being transcribed: send the same file again in a few seconds.",
            code="transcription_running",
            retry_after=_RETRY_SECONDS,
        )
    _delete_sample(transcriber, audio, job)
    return found


def _delete_sample(transcriber: speech.Transcriber, audio: AudioSource, job: str) -> None:
    try:
        objects.delete_object(audio.bucket, audio.key)
        transcriber.forget(audio, job)
    except (RefusedError, ThrottledError, *objects.FAILURES) as error:
        # The bucket deletes it within a day, and the person has the answer.
        telemetry.log_skip("the sample is deleted by its bucket", job=job, error=type(error).__name__)


def _unavailable(job: str, error: Exception) -> Unavailable:
    telemetry.log_skip("the sample is not transcribed", job=job, error=str(error))
    if isinstance(error, NotInstalledError):
        return Unavailable(str(error))
    return Unavailable("Speech cannot be transcribed now: try again later.", retry_after=_RETRY_SECONDS)


def _unreadable() -> Invalid:
    return Invalid(
        "The audio cannot be read: record it again, or send it in another format.",
        code="unreadable_audio",
        fields={"audio": "is damaged, or contains no sound"},
    )
