"""What is noted of a number: blocks, opt-outs, consents. The subject's id is the number's digest."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Day, Digest, EventType


class NumberData(TypedDict):
    number: Annotated[Digest, "The digest of the number."]


class OptedOut(NumberData):
    source: Annotated[Code, "How the opt-out came in."]
    keyword: Annotated[str | None, "The keyword of the opt-out, if it was one."]


class ConsentRecorded(NumberData):
    source: Annotated[Code, "How the consent was given."]
    date: Annotated[Day, "The day of the consent."]


TYPES = (
    EventType("number.blocked", "A number was put on the do-not-call list.", "number", NumberData),
    EventType("number.unblocked", "A number was taken off the do-not-call list.", "number", NumberData),
    EventType("sms.opt_out", "A number's holder opted out of all channels.", "number", OptedOut, channel="sms"),
    EventType("sms.opt_in", "A number's holder opted in again.", "number", NumberData, channel="sms"),
    EventType("consent.recorded", "A consent was entered.", "number", ConsentRecorded),
    EventType("consent.withdrawn", "A consent was taken out of the ledger.", "number", NumberData),
)
