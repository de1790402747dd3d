"""Stops: an organization that is suspended, a key that is revoked.

Work that was accepted before a stop is not done after it. A worker's claim checks in its own transaction that nothing
it acts for is stopped. An item takes part in one transaction at a time, and an organization's claims all ask for the
same stops. So a stop is written in sixteen copies, and a claim checks one of them.

| item | table | pk | sk |
|---|---|---|---|
| stop of an organization | core | `<org>#stops#<copy>` | `org` |
| stop of a key | core | `<org>#stops#<copy>` | `key#<id>` |
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from switchboard.aws import chance, clock
from switchboard.aws.table import Check, Delete, Item, Key, Put

COPIES = 16

#: Which copy a claim checks. Tests replace it.
choose: Callable[[], int] = partial(chance.below, COPIES)

ORGANIZATION = "org"


def key(key_id: str) -> str:
    """What a key's stop is called."""
    return f"key#{key_id}"


class Stopped(Exception):
    """What the work was accepted for may act no more. Its text says what was stopped, `code` in a word."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


_REASONS = {
    "org": ("suspended", "the organization is suspended"),
    "key": ("key_revoked", "the key was revoked"),
}


#: What is accepted waits for 90 days at most, so that a key's stop is kept for longer than that.
_KEPT = timedelta(days=100)


def stop_writes(org_id: str, name: str) -> list[Put]:
    """The writes that stop something, for the commit that suspends or revokes it. Each claim after it sees them."""
    now = clock.now()
    item: Item = {"at": clock.iso(now)}
    if name != ORGANIZATION:
        item["expires"] = int((now + _KEPT).timestamp())
    return [Put(table="core", item={**_place(org_id, name, copy), **item}) for copy in range(COPIES)]


def lift_writes(org_id: str, name: str) -> list[Delete]:
    """The writes that let it act again."""
    return [Delete(table="core", key=_place(org_id, name, copy)) for copy in range(COPIES)]


def checks(org_id: str, key_id: str | None) -> list[Check]:
    """The checks of a claim: that the organization and the key may act. Raise Stopped at commit.

    Some work is done in no key's name.
    """
    copy = choose()
    return [
        Check(
            table="core",
            key=_place(org_id, name, copy),
            condition="attribute_not_exists(pk)",
            otherwise=partial(_stopped, name),
        )
        for name in (ORGANIZATION, *([key(key_id)] if key_id else []))
    ]


def _stopped(name: str, _: list[Item | None]) -> Stopped:
    return Stopped(*_REASONS[name.partition("#")[0]])


def _place(org_id: str, name: str, copy: int) -> Key:
    return {"pk": f"{org_id}#stops#{copy}", "sk": name}
