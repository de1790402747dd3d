"""Speech recognition on this machine by PocketSphinx, whose package carries its model of American English.

The local stack uses it. It is far less exact than a service, but it hears what is said. Its packages (`pocketsphinx`,
and `av` to decode) come with `make speech`, and are not in the requirements of the functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pocketsphinx import Decoder, Endpointer  # type: ignore[import-untyped]

from switchboard.aws import clients, objects
from switchboard.carriers.speech import (
    LANGUAGE,
    AudioSource,
    ThrottledError,
    Transcription,
    UnreadableAudioError,
)
from switchboard.carriers.speech.pcm import RATE, SAMPLE_BYTES, decode_audio
from switchboard.carriers.speech.voicing import cut_to_voice

_MAX_BYTES = 64_000_000
#: The recognizer adapts to the sound of a recording. It hears this much once before its first word counts.
_ADAPTING_BYTES = 10 * RATE * SAMPLE_BYTES
#: The endpointer passes on everything that could be speech. `cut_to_voice` then drops the noise.
_LOOSE, _WINDOW_SECONDS, _SHARE = 0, 0.3, 0.9


class Sphinx:
    """A recognizer in this process. It keeps nothing, so its jobs run when their result is fetched."""

    def start(self, audio: AudioSource, job: str, language: str = LANGUAGE) -> None:
        """Starts nothing: `fetch` does the whole job."""

    def has_job(self, job: str) -> bool:  # noqa: ARG002
        """Returns no: nothing is kept."""
        return False

    def fetch(self, audio: AudioSource, job: str, language: str = LANGUAGE) -> Transcription | None:  # noqa: ARG002
        """Returns what is said in a recording. The model knows American English only."""
        try:
            found = objects.read_object(audio.bucket, audio.key, _MAX_BYTES, 0)
        except (clients.ClientError, clients.BotoCoreError) as error:
            raise ThrottledError("the audio cannot be read") from error
        if not found.content:
            raise UnreadableAudioError("the audio is empty or too large")
        return recognize_speech(found.content)

    def forget(self, audio: AudioSource, job: str) -> None:
        """Deletes nothing: nothing is kept."""


def recognize_speech(content: bytes) -> Transcription:
    """Returns what is said in a recording of any usual format. Raises UnreadableAudioError."""
    samples = decode_audio(content)
    segments = [voice for segment in _segments(samples) if (voice := cut_to_voice(segment))]
    texts: list[str] = []
    if segments:
        # A new decoder for each recording: it has learned from no other, so that the same audio gives the same text.
        decoder = Decoder(samprate=RATE, loglevel="FATAL")
        _hear(decoder, segments[0][:_ADAPTING_BYTES])
        texts = [text for text in (_hear(decoder, segment) for segment in segments) if text]
    return Transcription(" ".join(texts), LANGUAGE, round(len(samples) / (RATE * SAMPLE_BYTES), 2))


def _segments(samples: bytes) -> Iterator[bytes]:
    """Yields the parts of a recording in which something sounds like speech."""
    endpointer = Endpointer(window=_WINDOW_SECONDS, ratio=_SHARE, vad_mode=_LOOSE, sample_rate=RATE)
    step, segment = endpointer.frame_bytes, bytearray()
    # Silence at the end closes the last segment.
    padded = samples + bytes(step * (2 + int(_WINDOW_SECONDS / endpointer.frame_length)))
    for at in range(0, len(padded) - step + 1, step):
        segment += endpointer.process(padded[at : at + step]) or b""
        if segment and not endpointer.in_speech:
            yield bytes(segment)
            segment.clear()
    if segment:
        yield bytes(segment)


def _hear(decoder: Any, segment: bytes) -> str:
    decoder.start_utt()
    for at in range(0, len(segment), 2_048):
        decoder.process_raw(segment[at : at + 2_048], False, False)
    decoder.end_utt()
    heard = decoder.hyp()
    return heard.hypstr.strip() if heard else ""
