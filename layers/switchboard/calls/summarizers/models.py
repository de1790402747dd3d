"""The models of summarizing: the turns of a talk, and its summary."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Sentiment = Literal["positive", "neutral", "negative", "mixed"]


#: The other side of a talk: a caller, or a person that the agent called.
Party = Literal["caller", "person"]


class TalkTurn(NamedTuple):
    """An utterance of one side: the agent, or the other party."""

    by_agent: bool
    text: str


class TalkSummary(NamedTuple):
    """The summary of a talk. `outcome` is not checked against the schema yet."""

    tldr: str
    key_points: list[str]
    next_actions: list[str]
    sentiment: Sentiment
    outcome: dict[str, Any] | None = None
