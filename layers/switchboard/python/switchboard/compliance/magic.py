"""Numbers that make something happen, for tests and demonstrations.

All of +1 500 555 00xx reaches nobody, so none of it is ever dialled on a real network. What follows is the whole table;
every other number of that exchange, and every 555-01XX number, is answered. Where a carrier's own test numbers mean
the same (0001, 0002, 0004), the meaning is kept.
"""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What a magic number makes happen: first what the voice simulator does, then what the gate answers."""

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


NUMBERS: dict[str, Outcome] = {
    "+15005550001": Outcome.FAILED,  # the network refuses the call: no such number
    "+15005550002": Outcome.UNREACHABLE,  # nothing answers from there: no route
    "+15005550006": Outcome.ANSWERED,  # a person picks up and talks
    "+15005550010": Outcome.BUSY,  # the line is busy
    "+15005550011": Outcome.NO_ANSWER,  # it rings until it times out
    "+15005550012": Outcome.VOICEMAIL,  # a machine answers
    "+15005550013": Outcome.PROVIDER_DOWN,  # the carrier's interface is away
    "+15005550030": Outcome.ASKS_TO_STOP,  # a person picks up and says "please don't call me again"
    "+15005550031": Outcome.PRESSES_TO_STOP,  # a person picks up and presses 9
    "+15005550032": Outcome.UNRULY,  # answered; the carrier reports late, twice and in any order
    "+15005550004": Outcome.OPTED_OUT,  # refused: `opted_out`
    "+15005550020": Outcome.BLOCKED,  # refused: `dnc`
    "+15005550021": Outcome.REASSIGNED,  # refused: `number_reassigned`
    "+15005550022": Outcome.REASSIGNED_NO_DATA,  # passes, and the verdict says that the database knew nothing
    "+15005550023": Outcome.REASSIGNED_UNAVAILABLE,  # refused: `reassigned_unknown`, the database is away
    "+15005550024": Outcome.QUIET_HOURS,  # refused at any hour: `quiet_hours`, with 8 o'clock in New York as next time
    "+15005550025": Outcome.NATIONAL_DNC,  # refused when something is to be sold: `national_dnc`
}


def outcome(e164: str) -> Outcome | None:
    """What a number makes happen, if it is a magic one."""
    return NUMBERS.get(e164)
