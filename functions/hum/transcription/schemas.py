"""The response of HUM's transcription (docs/contracts/hum.md#transcription)."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from switchboard.carriers.speech import Transcription


class TranscriptionView(BaseModel):
    """The words of a sample of audio."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "one two three four five", "language": "en-US", "duration_sec": 2.99}]}
    )

    text: str = Field(description="The words. Empty for silence and noise.")
    language: str = Field(description="The language of the text, a BCP 47 tag.")
    duration_sec: float = Field(description="The length of the audio in seconds.")

    @classmethod
    def of(cls, found: Transcription) -> Self:
        return cls(text=found.text, language=found.language, duration_sec=found.duration_sec)
