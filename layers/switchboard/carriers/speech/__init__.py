"""The port to speech recognition: recorded audio in a bucket goes in, its text comes out.

A transcription is a job. `start` begins it, and `fetch` returns its result once there is one. So a worker starts a job,
and looks again later instead of waiting. `transcribe` waits, for a caller who needs the text now.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol

from switchboard.carriers.outcomes import RefusedError, ThrottledError
from switchboard.kit import settings

__all__ = [
    "LANGUAGE",
    "AudioSource",
    "JobFailedError",
    "JobGoneError",
    "NotInstalledError",
    "RefusedError",
    "ThrottledError",
    "Transcriber",
    "Transcription",
    "UnreadableAudioError",
    "configured_transcriber",
    "is_local",
    "transcribe",
]

#: The language of a recording whose language nobody knows. A fixed language finds no words in silence, while the
#: identification of a language fails on recordings without enough speech.
LANGUAGE = "en-US"
#: How long `transcribe` waits between two looks at its job.
_PAUSE_SECONDS = 0.7


class UnreadableAudioError(RefusedError):
    """The audio is damaged, or contains no sound that can be decoded."""


class JobGoneError(ThrottledError):
    """There is no job of this name: none was started, or its result was fetched and forgotten."""


class JobFailedError(RefusedError):
    """A job ended without a result that can be read. After `forget`, a job of its name can start again."""


class NotInstalledError(RefusedError):
    """This machine has no recognizer. Its text says how to get one."""

    def __init__(self) -> None:
        super().__init__("Speech recognition is not installed: run `make speech`, then start the stack again.")


@dataclass(frozen=True, slots=True)
class AudioSource:
    """A recording in a bucket of the topology. `media_type` is that of its bytes (`edge/file_types.py`)."""

    bucket: str
    key: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Transcription:
    """The words of a recording. `text` is empty if nothing is said. `language` is a BCP 47 tag."""

    text: str
    language: str
    #: The end of the last word, or of the whole recording if the engine knows it.
    duration_sec: float


class Transcriber(Protocol):
    """Turns recordings into text. A job's name is chosen by the caller: letters, digits, `-`, `_` and `.`."""

    def start(self, audio: AudioSource, job: str, language: str = LANGUAGE) -> None:
        """Starts a job. The second start of a name changes nothing.

        Raises ThrottledError if a later attempt may succeed, else RefusedError.
        """

    def has_job(self, job: str) -> bool:
        """Whether the engine has a job of this name, in any state. Its start then costs nothing.

        Raises ThrottledError or RefusedError.
        """

    def fetch(self, audio: AudioSource, job: str, language: str = LANGUAGE) -> Transcription | None:
        """Returns the result of a job, or `None` while it runs.

        Raises JobGoneError, UnreadableAudioError, JobFailedError, ThrottledError if a later look may succeed, else
        RefusedError.
        """

    def forget(self, audio: AudioSource, job: str) -> None:
        """Deletes what the engine keeps of a job. Raises ThrottledError while the job runs, and RefusedError."""


def transcribe(
    transcriber: Transcriber,
    audio: AudioSource,
    job: str,
    *,
    seconds: float,
    language: str = LANGUAGE,
    pause: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> Transcription | None:
    """Starts a job and wait for its result for some `seconds`. Returns `None` if the job needs longer.

    The job then goes on. The next call with its name waits for the same job. A failed job is forgotten, so that the
    next call starts it again. Raises the errors of the port.
    """
    until = now() + seconds
    transcriber.start(audio, job, language)
    while True:
        try:
            found = transcriber.fetch(audio, job, language)
        except JobFailedError:
            transcriber.forget(audio, job)
            raise
        if found is not None or now() + _PAUSE_SECONDS > until:
            return found
        pause(_PAUSE_SECONDS)


def _amazon() -> Transcriber:
    from switchboard.carriers.speech.amazon import AmazonTranscribe  # for cold start: one engine only

    return AmazonTranscribe()


def _sphinx() -> Transcriber:
    if not _has_sphinx():
        return _MissingRecognizer()
    from switchboard.carriers.speech.sphinx import Sphinx  # only the local stack has its packages

    return Sphinx()


def _has_sphinx() -> bool:
    """Whether `make speech` has installed the packages of the recognizer."""
    return all(find_spec(name) for name in ("av", "pocketsphinx"))


class _MissingRecognizer:
    """Refuses each job. The local stack works without a recognizer: what is said in simulated calls has a text."""

    def start(self, *_: object, **__: object) -> None:
        raise NotInstalledError

    def has_job(self, *_: object) -> bool:
        raise NotInstalledError

    def fetch(self, *_: object, **__: object) -> Transcription | None:
        raise NotInstalledError

    def forget(self, *_: object) -> None:
        """Deletes nothing: there is no job."""


_TRANSCRIBERS: dict[str, Callable[[], Transcriber]] = {"amazon": _amazon, "sphinx": _sphinx}


def is_local() -> bool:
    """Whether the engine runs on this machine, so that it costs nothing. An engine that is not installed does not."""
    return settings.text("TRANSCRIBER", "amazon") == "sphinx" and _has_sphinx()


def configured_transcriber() -> Transcriber:
    """Returns the engine of the setting TRANSCRIBER: `amazon` (the default), or `sphinx` on one machine."""
    return _TRANSCRIBERS[settings.text("TRANSCRIBER", "amazon")]()
