"""The people at the other end of simulated texts: whether a text reaches them, and whether they answer. Pure.

People are predictable: the same text to the same number always gets the same answer. Nobody answers the confirmation of
an opt-out, and `state` limits the answers of each person, so that two machines do not talk forever.
"""

from __future__ import annotations

from typing import NamedTuple

from switchboard.carriers.magic_numbers import TEXT_OUTCOMES, TextOutcome
from switchboard.carriers.messages.ports.reports import ReportedStatus
from switchboard.kit import texts

#: The codes of texts that are refused at once.
_REFUSALS = {
    TextOutcome.CARRIER_BLOCKS: 21610,
    TextOutcome.INVALID: 21211,
    TextOutcome.NO_ROUTE: 21612,
    TextOutcome.NOT_A_MOBILE: 21614,
}
_UNREACHABLE = 30003
_SAID = {
    TextOutcome.SAYS_YES: "yes",
    TextOutcome.SAYS_STOP: "STOP",
    TextOutcome.ASKS_TO_STOP: "please stop texting me",
}
#: Other people answer every third question, with one of these. None of them asks something.
_ANSWERS = (
    "Yes, please.",
    "No, thank you.",
    "Tomorrow afternoon works for me.",
    "Thanks, got it.",
    "I'll think about it.",
    "Sounds good 👍",
)
_ONE_IN = 3


class TextEnd(NamedTuple):
    """The last status of a text at the carrier, with its error code."""

    status: ReportedStatus
    error_code: int | None = None


def find_refusal(to_number: str) -> int | None:
    """Returns the code with which the carrier refuses texts to a number, `None` if it takes them."""
    outcome = TEXT_OUTCOMES.get(to_number)
    return _REFUSALS.get(outcome) if outcome else None


def is_carrier_down(to_number: str) -> bool:
    """Whether the carrier takes no texts to a number now."""
    return TEXT_OUTCOMES.get(to_number) is TextOutcome.CARRIER_DOWN


def find_end(to_number: str) -> TextEnd:
    """Returns how a text to a number ends."""
    if TEXT_OUTCOMES.get(to_number) is TextOutcome.UNDELIVERED:
        return TextEnd("undelivered", _UNREACHABLE)
    return TextEnd("delivered")


def choose_answer(to_number: str, body: str) -> str | None:
    """Returns the answer of the person who gets a text, `None` if the person says nothing."""
    if "START" in body:
        # A confirmation of an opt-out says how to opt in again.
        return None
    if (outcome := TEXT_OUTCOMES.get(to_number)) is not None:
        return _SAID.get(outcome)
    if "?" not in body:
        return None
    mood = int(texts.digest(f"{to_number}#{body}")[:8], 16)
    return _ANSWERS[mood // _ONE_IN % len(_ANSWERS)] if mood % _ONE_IN == 0 else None
