"""The data that stay after the deletion of an organization, why, and until when.

This is the only list. The sweep deletes every other item of the organization (`offboarding.sweeping`). The command line
and docs/retention.md show the list. A kind of item is kept if a row here has its name in `retention_rows.KINDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from switchboard.persistence.retention import FIVE_YEARS, TEN_YEARS, ItemKind
from switchboard.persistence.retention_rows import KINDS

_NO_END = "no end"
_LENGTHS: Mapping[timedelta | None, str] = {FIVE_YEARS: "five years", TEN_YEARS: "ten years"}


class KeptThing(NamedTuple):
    """A kind of data that a deletion leaves, until when, and why.

    `kinds` names its kinds of items. DynamoDB deletes them `life` after the deletion, or never without one.
    """

    thing: str
    why: str
    kinds: tuple[str, ...] = ()
    life: timedelta | None = None
    #: Until when it stays, if `life` does not say so.
    ends: str = _NO_END

    @property
    def until(self) -> str:
        """When it ends, in words."""
        return _LENGTHS.get(self.life, self.ends)


KEPT = (
    KeptThing(
        "id, name, plan and dates of the organization, and the course of its deletion",
        "the books name it, and the deletion has to be proven (GDPR, article 5(2)). Addresses and people are removed",
        ("organization", "deletion of an organization", "stops of an organization, and the mark of its cap"),
        TEN_YEARS,
    ),
    KeptThing(
        "usage, rented numbers, and its account at the provider of payments",
        "invoices rest on them (GDPR, article 17(3)(b))",
        (
            "use in a month",
            "slice of a month's use",
            "count of a month",
            "reported use of a day",
            "billing account",
            "telephone number",
            "subaccount at Twilio",
        ),
        TEN_YEARS,
    ),
    KeptThing(
        "opt-outs, blocked numbers, consents",
        "people may sue for calls and texts, and 16 CFR 310.5 asks for the records (GDPR, article 17(3)(b) and (e))",
        (
            "opt-out",
            "latest end of an opt-out",
            "number that opted out or in, by its digest",
            "blocked number",
            "look-up of a blocked number",
            "consent",
        ),
        FIVE_YEARS,
    ),
    KeptThing(
        "audit chain and events",
        "they prove who did what. They have ids, states and digests, and a chain with gaps proves nothing",
        (
            "event",
            "receipt of an event",
            "places of a workflow",
            "head of the chain",
            "link of the chain",
        ),
        FIVE_YEARS,
    ),
    KeptThing("verdicts of the compliance gate", "16 CFR 310.5", ("verdict",), ends="five years after each"),
    KeptThing(
        "addresses of inboxes", "an address is never given to another: mail for it is private", ("look-up of an inbox",)
    ),
    KeptThing("accounts of its members", "they belong to the people, who may have other organizations"),
    KeptThing("raw mail that came in", "it is found by its own id only", ends="30 days after each mail"),
    KeptThing("sessions and stored responses", "they end by themselves", ends="at most nine days"),
    KeptThing("logs of the functions, with ids", "faults are found in them", ends="90 days"),
    KeptThing("backups", "DynamoDB cannot change them", ends="35 days"),
    KeptThing(
        "invoices at the provider of payments, records and brands at the carrier",
        "they are in the accounts of the operator there, who deletes them",
        ends="as agreed with them",
    ),
)

_BY_NAME = {kind.what: kind for kind in KINDS}
_LIVES: tuple[tuple[ItemKind, timedelta | None], ...] = tuple(
    (_BY_NAME[name], one.life) for one in KEPT for name in one.kinds
)
#: The items that the endings at providers use. They stay as long as one of the endings has not succeeded.
_NEEDED_TO_END = tuple(
    _BY_NAME[name]
    for name in (
        "gauges of an organization",
        "purchase of a number",
        "look-up of a number's id",
        "look-up of a telephone number",
        "number sold by the simulator",
        "look-up of such a number",
        "customer of the simulated provider",
    )
)


class Keeping(NamedTuple):
    """An item that stays. `life` is how long after the deletion, `None` if its own time or nothing ends it."""

    life: timedelta | None


def find_keeping(table: str, key: str) -> Keeping | None:
    """Returns how long an item stays after the deletion of its organization, `None` if it is deleted.

    `key` has the form of `ItemKind.keys`.
    """
    return next((Keeping(life) for kind, life in _LIVES if kind.matches(table, key)), None)


def is_needed_to_end(table: str, key: str) -> bool:
    """Whether an ending at a provider needs an item, whose key has the form of `ItemKind.keys`."""
    return any(kind.matches(table, key) for kind in _NEEDED_TO_END)
