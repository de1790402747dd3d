"""The parts of a row of the registry. Plain data: nothing here imports a noun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

#: The channels that the audit and the stream filter by.
Channel = Literal["email", "sms", "voice", "vault", "phone"]
#: The contracts that have webhooks.
Contract = Literal["anima", "opticomm", "athos", "hum"]

#: SHA-256 in hex: the only form in which an address, a number or a person's id stands in an event.
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
#: An id of ours.
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
#: A word of a vocabulary of ours: a state, a kind, a reason. It has no spaces, so that no text fits in.
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
#: A moment in UTC, as `clock.iso` writes it.
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]
#: A day, as 2026-01-15.
Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
#: How many there are.
Count = Annotated[int, Field(ge=0)]


class NoData(TypedDict):
    """Nothing besides the subject."""


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event: what it means, what it holds, and what follows from it.

    `data` is a TypedDict. Each field is an id, a state, a number or a digest, never what may have to be erased. The
    text beside a field's type says what it is.

    `subject` is the type of the event's subject. `starts` names the queues that act on the event, besides the audit's
    and the webhooks'. `webhooks` is the name that each contract has for it, where the contract tells of it.
    `projections` names what is counted or listed from it.
    """

    name: str
    about: str
    subject: str
    data: type[Mapping[str, object]] = NoData
    channel: Channel | None = None
    starts: tuple[str, ...] = ()
    webhooks: Mapping[Contract, str] = field(default_factory=dict)
    projections: tuple[str, ...] = ()
