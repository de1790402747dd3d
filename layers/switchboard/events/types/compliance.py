"""Records about a number: blocks, opt-outs and consents. The subject's id is the number's digest."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Day, Digest, EventType


class NumberData(TypedDict):
    number: Annotated[Digest, "The digest of the number."]


class OptOutData(NumberData):
    source: Annotated[Code, "The way in which the opt-out arrived."]
    keyword: Annotated[str | None, "The keyword of the opt-out, if there was one."]


class ConsentRecorded(NumberData):
    source: Annotated[Code, "The way in which the consent was given."]
    date: Annotated[Day, "The day of the consent."]


TYPES = (
    EventType("number.blocked", "A number was added to the do-not-call list.", "number", NumberData),
    EventType("number.unblocked", "A number was removed from the do-not-call list.", "number", NumberData),
    EventType(
        "sms.opt_out",
        "A number's holder opted out of all channels.",
        "number",
        OptOutData,
        channel="sms",
        webhooks={"hum": "sms.opt_out"},
        projections=("opt_out_tallies",),
    ),
    EventType(
        "sms.opt_in",
        "A number's holder opted in again.",
        "number",
        NumberData,
        channel="sms",
        webhooks={"hum": "sms.opt_in"},
    ),
    EventType("consent.recorded", "A consent was added to the ledger.", "number", ConsentRecorded),
    EventType("consent.withdrawn", "A consent was removed from the ledger.", "number", NumberData),
)
