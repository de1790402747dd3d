"""Stops: an organization that is suspended, a key that is revoked, a spending cap that is lowered.

Work that was accepted before a stop is not done after it. A worker's claim checks in its own transaction that nothing
it acts for is stopped. An item takes part in one transaction at a time, and an organization's claims all ask for the
same stops. So a stop is written in sixteen copies, and a claim checks one of them.

| item | table | pk | sk |
|---|---|---|---|
| stop of an organization (`at`), and the mark of its spending cap | core | `<org>#stops#<copy>` | `org` |
| stop of a key | core | `<org>#stops#<copy>` | `key#<id>` |
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from switchboard.aws import chance, clock
from switchboard.aws.table import Check, Item, Key, Put, Update, Writes
from switchboard.errors import Contended

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


class Cap(NamedTuple):
    """The spending cap that a claim reckoned with. Each cap has another mark; one that was never set has none."""

    mark: str | None


def stop_writes(org_id: str, name: str) -> list[Writes]:
    """The writes that stop something, for the commit that suspends or revokes it. Each claim after it sees them."""
    now = clock.now()
    if name == ORGANIZATION:
        return _on_copies(org_id, "SET #at = :at", {"#at": "at"}, {":at": clock.iso(now)})
    facts: Item = {"at": clock.iso(now), "expires": int((now + _KEPT).timestamp())}
    return [Put(table="core", item={**_place(org_id, name, copy), **facts}) for copy in range(COPIES)]


def lift_writes(org_id: str) -> list[Writes]:
    """The writes that let an organization act again."""
    return _on_copies(org_id, "REMOVE #at", {"#at": "at"}, {})


def cap_writes(org_id: str, mark: str) -> list[Writes]:
    """The writes that tell claims of another spending cap, for the commit that sets it."""
    return _on_copies(org_id, "SET #cap = :mark", {"#cap": "cap"}, {":mark": mark})


def _on_copies(org_id: str, expression: str, names: dict[str, str], values: Item) -> list[Writes]:
    return [
        Update(table="core", key=_place(org_id, ORGANIZATION, copy), expression=expression, names=names, values=values)
        for copy in range(COPIES)
    ]


def checks(org_id: str, key_id: str | None, *, cap: Cap | None = None) -> list[Check]:
    """The checks of a claim: that the organization and the key may act. Raise Stopped at commit.

    With `cap` they hold only while the spending cap is still that one, and raise Contended where it is another. Some
    work is done in no key's name.
    """
    copy = choose()
    return [_org_check(org_id, copy, cap), *([_key_check(org_id, copy, key_id)] if key_id else [])]


def _org_check(org_id: str, copy: int, cap: Cap | None) -> Check:
    condition, names = "attribute_not_exists(#at)", {"#at": "at"}
    if cap is not None:
        names["#cap"] = "cap"
        condition += " AND #cap = :mark" if cap.mark else " AND attribute_not_exists(#cap)"
    values = {":mark": cap.mark} if cap and cap.mark else {}
    return Check(
        table="core",
        key=_place(org_id, ORGANIZATION, copy),
        condition=condition,
        names=names,
        values=values,
        otherwise=partial(_stopped, ORGANIZATION),
    )


def _key_check(org_id: str, copy: int, key_id: str) -> Check:
    name = key(key_id)
    return Check(
        table="core",
        key=_place(org_id, name, copy),
        condition="attribute_not_exists(pk)",
        otherwise=partial(_stopped, name),
    )


def _stopped(name: str, items: list[Item | None]) -> Exception:
    if name == ORGANIZATION and "at" not in (items[0] or {}):
        return Contended("The organization's spending cap was changed meanwhile.", retry_after=1)
    return Stopped(*_REASONS[name.partition("#")[0]])


def _place(org_id: str, name: str, copy: int) -> Key:
    return {"pk": f"{org_id}#stops#{copy}", "sk": name}
