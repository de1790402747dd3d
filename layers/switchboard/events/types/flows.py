"""Flows of calls."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, Digest, EventType


class FlowCreated(TypedDict):
    kind: Annotated[Code, "The direction of the flow's calls."]


class AudioTranscribed(TypedDict):
    sample: Annotated[Digest, "The digest of the audio."]
    size: Annotated[Count, "The size of the audio in bytes."]
    seconds: Annotated[Count, "The length of the audio in seconds."]


TYPES = (
    EventType("flow.created", "A flow was created.", "flow", FlowCreated),
    EventType("flow.audio_transcribed", "A sample of audio was transcribed.", "organization", AudioTranscribed),
)
