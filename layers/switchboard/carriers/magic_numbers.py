"""Magic numbers: test numbers with a fixed outcome, for tests and demonstrations.

No number of +1 500 555 00xx reaches a person, so none is ever dialed on a real network. `MAGIC_NUMBERS` is the complete
table for calls and for the gate, and `TEXT_OUTCOMES` for texts. Every other number of that exchange, and every 555-01XX
number, is answered. Some carriers have test numbers of their own (0001, 0002, 0004, 0009): these keep their meaning.
"""

from __future__ import annotations

from enum import StrEnum


class MagicOutcome(StrEnum):
    """The outcome of a magic number: first the outcomes of the voice simulator, then the verdicts of the gate."""

    ANSWERED = "answered"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    ASKS_TO_STOP = "asks_to_stop"
    PRESSES_TO_STOP = "presses_to_stop"
    UNRULY = "unruly"
    PROVIDER_DOWN = "provider_down"

    OPTED_OUT = "opted_out"
    BLOCKED = "blocked"
    REASSIGNED = "reassigned"
    REASSIGNED_NO_DATA = "reassigned_no_data"
    REASSIGNED_UNAVAILABLE = "reassigned_unavailable"
    QUIET_HOURS = "quiet_hours"
    NATIONAL_DNC = "national_dnc"


MAGIC_NUMBERS: dict[str, MagicOutcome] = {
    "+15005550001": MagicOutcome.FAILED,  # The network rejects the call: no such number.
    "+15005550002": MagicOutcome.UNREACHABLE,  # The network finds no route.
    "+15005550006": MagicOutcome.ANSWERED,  # A person picks up and talks.
    "+15005550010": MagicOutcome.BUSY,  # The line is busy.
    "+15005550011": MagicOutcome.NO_ANSWER,  # It rings until it times out.
    "+15005550012": MagicOutcome.VOICEMAIL,  # A machine answers.
    "+15005550013": MagicOutcome.PROVIDER_DOWN,  # The carrier's API is down.
    "+15005550030": MagicOutcome.ASKS_TO_STOP,  # A person picks up and says "please don't call me again".
    "+15005550031": MagicOutcome.PRESSES_TO_STOP,  # A person picks up and presses 9.
    "+15005550032": MagicOutcome.UNRULY,  # Answered; the carrier reports late, twice and in any order.
    "+15005550004": MagicOutcome.OPTED_OUT,  # Refused: `opted_out`.
    "+15005550020": MagicOutcome.BLOCKED,  # Refused: `dnc`.
    "+15005550021": MagicOutcome.REASSIGNED,  # Refused: `number_reassigned`.
    "+15005550022": MagicOutcome.REASSIGNED_NO_DATA,  # Allowed; the verdict says that the database has no data.
    "+15005550023": MagicOutcome.REASSIGNED_UNAVAILABLE,  # Refused: `reassigned_unknown`, the database is down.
    "+15005550024": MagicOutcome.QUIET_HOURS,  # refused at any hour: `quiet_hours`, next time 8 o'clock in New York
    "+15005550025": MagicOutcome.NATIONAL_DNC,  # Refused for telemarketing: `national_dnc`.
}


class TextOutcome(StrEnum):
    """The outcome of a text to a magic number, and the answer of its person."""

    SAYS_YES = "says_yes"
    SAYS_STOP = "says_stop"
    SAYS_NOTHING = "says_nothing"
    UNDELIVERED = "undelivered"
    CARRIER_BLOCKS = "carrier_blocks"
    ASKS_TO_STOP = "asks_to_stop"
    INVALID = "invalid"
    NO_ROUTE = "no_route"
    NOT_A_MOBILE = "not_a_mobile"
    CARRIER_DOWN = "carrier_down"


TEXT_OUTCOMES: dict[str, TextOutcome] = {
    "+15005550040": TextOutcome.SAYS_YES,  # Delivered; the person answers "yes".
    "+15005550041": TextOutcome.SAYS_STOP,  # Delivered; the person answers "STOP".
    "+15005550042": TextOutcome.SAYS_NOTHING,  # Delivered; the person never answers.
    "+15005550043": TextOutcome.UNDELIVERED,  # Accepted, and undelivered with the code 30003.
    "+15005550044": TextOutcome.CARRIER_BLOCKS,  # Refused at once with the code 21610.
    "+15005550045": TextOutcome.ASKS_TO_STOP,  # Delivered; the person answers "please stop texting me".
    "+15005550001": TextOutcome.INVALID,  # Refused at once with the code 21211: no such number.
    "+15005550002": TextOutcome.NO_ROUTE,  # Refused at once with the code 21612.
    "+15005550009": TextOutcome.NOT_A_MOBILE,  # Refused at once with the code 21614.
    "+15005550013": TextOutcome.CARRIER_DOWN,  # The carrier takes no texts now.
}
