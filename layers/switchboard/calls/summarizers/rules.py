"""Summarizing without a language model, by words and lengths. The result depends on the turns alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from switchboard.calls.summarizers import RULES
from switchboard.calls.summarizers.models import Party, Sentiment, TalkSummary, TalkTurn
from switchboard.kit import texts

_MAX_POINTS, _MAX_ACTIONS, _MAX_CHARACTERS = 4, 4, 200
#: The characters of a turn that are looked at: a stranger decides how long a turn is.
_LOOKED_AT = 2_000
_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_PROMISES = re.compile(
    r"\b(?:i will|i'll|we will|we'll|call (?:you|me) back|send|follow up|please (?:call|send))\b", re.I
)
_GOOD = frozenset(
    ["thanks", "thank", "great", "good", "perfect", "wonderful", "happy", "glad", "yes", "excellent", "fine", "love"]
)
_BAD = frozenset(
    ["no", "not", "bad", "angry", "terrible", "wrong", "never", "stop", "cancel", "unhappy", "problem", "awful"]
)


class RuleSummarizer:
    """Summarizes by rules."""

    name = RULES

    def summarize(
        self, turns: Sequence[TalkTurn], schema: dict[str, Any] | None, party: Party = "caller"
    ) -> TalkSummary:
        """Summarizes a talk. Raises nothing."""
        theirs = [turn for turn in turns if not turn.by_agent]
        said = [sentence for turn in theirs for sentence in _sentences(turn)]
        points = sorted(said, key=lambda one: (-len(one), one))[:_MAX_POINTS]
        # The longest sentence says the most: the first one is a greeting.
        tldr = f"The {party} said: “{points[0]}”" if points else f"The {party} said nothing."
        actions = [one for turn in turns for one in _sentences(turn) if _PROMISES.search(one)]
        return TalkSummary(
            tldr,
            [one for one in dict.fromkeys(said) if one in points],
            list(dict.fromkeys(actions))[:_MAX_ACTIONS],
            _sentiment(theirs),
            _outcome(theirs, schema) if schema is not None else None,
        )


def _sentences(turn: TalkTurn) -> list[str]:
    return [_clip(one.strip()) for one in _SENTENCE.findall(turn.text[:_LOOKED_AT]) if one.strip()]


def _clip(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"


def _words(turns: Sequence[TalkTurn]) -> list[str]:
    return [word for turn in turns for word in texts.plain_words(turn.text[:_LOOKED_AT]).split()]


def _sentiment(theirs: Sequence[TalkTurn]) -> Sentiment:
    words = set(_words(theirs))
    good, bad = bool(words & _GOOD), bool(words & _BAD)
    if good and bad:
        return "mixed"
    return "positive" if good else "negative" if bad else "neutral"


def _outcome(theirs: Sequence[TalkTurn], schema: dict[str, Any]) -> dict[str, Any]:
    """Returns the words of the schema's enumerations that the caller said last, and yes or no for its truth values."""
    words, found = _words(theirs), dict[str, Any]()
    said = f" {' '.join(words)} "
    for name, part in schema.get("properties", {}).items():
        if not isinstance(part, dict):
            continue
        choices = [one for one in part.get("enum", ()) if isinstance(one, str) and texts.plain_words(one)]
        places = {one: said.rfind(f" {texts.plain_words(one)} ") for one in choices}
        if places and max(places.values()) >= 0:
            found[name] = max(places, key=lambda one: places[one])
        elif part.get("type") == "boolean" and {"yes", "no"} & set(words):
            found[name] = next(word for word in reversed(words) if word in ("yes", "no")) == "yes"
    return found
