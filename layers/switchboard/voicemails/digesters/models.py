"""The facts of a digest, as a digester finds them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from switchboard.calls.summarizers.models import Sentiment

Urgency = Literal["low", "normal", "high", "urgent"]
#: The most categories, entities or actions.
MAX_LINES = 10


class DigestTexts(BaseModel):
    """The facts that a transcript states. A value is None, or a list is empty, if the transcript does not say it."""

    tldr: str
    sentiment: Sentiment | None = None
    urgency: Urgency | None = None
    intended_recipient: str | None = None
    caller_name: str | None = None
    callback_number_e164: str | None = None
    categories: list[str] = Field(default_factory=list)
    entities: list[str] = Field(default_factory=list)
    action_items: list[str] = Field(default_factory=list)
    language: str | None = None
