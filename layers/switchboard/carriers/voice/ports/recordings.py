"""The port to a provider's recordings: fetches their audio, and deletes the provider's copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

#: The largest recording that is fetched, in bytes: an hour on one channel, with 8,000 samples of 16 bits a second, has
#: 58 MB.
MAX_AUDIO_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Audio:
    """The audio of a recording. `media_type` is `audio/wav` or `audio/mpeg`."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class RecordingPlace:
    """A recording at its provider."""

    org_id: str
    call_id: str
    provider_call_id: str | None
    recording_id: str
    #: Our number in the call.
    own_number: str = ""


class RecordingSource(Protocol):
    """The recordings of one provider."""

    def fetch(self, place: RecordingPlace) -> Audio:
        """Returns the audio of a recording.

        Raises RefusedError if it will never come, and OutcomeUnknownError if it may come later.
        """

    def forget(self, place: RecordingPlace) -> None:
        """Deletes the provider's copy of a recording. Nothing happens if there is none.

        Raises OutcomeUnknownError if the copy may still be there.
        """
