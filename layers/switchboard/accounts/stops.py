"""Stops: the suspension of an organization, its unpaid subscription, the revocation of a key, and a lower spending cap.

Work that was accepted before a stop is not done after it. A worker's claim checks in its own transaction that neither
the organization nor the key is stopped. An item takes part in one transaction at a time, and all claims of an
organization check the same stops. So each stop is written in 16 copies, and a claim checks one copy.

| item | table | pk | sk |
|---|---|---|---|
| stops of an organization (`at`, `unpaid`), and the mark of its cap | core | `<org>#stops#<copy>` | `org` |
| stop of a key | core | `<org>#stops#<copy>` | `key#<id>` |
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.writes import ConditionCheck, Put, Update, Writes
from switchboard.errors import Contended
from switchboard.kit import chance, clock

COPIES = 16

#: Chooses the copy that a claim checks. Tests replace it.
choose_copy: Callable[[], int] = partial(chance.below, COPIES)

ORGANIZATION = "org"
_REASONS = {
    "org": ("suspended", "the organization is suspended"),
    "key": ("key_revoked", "the key was revoked"),
    "unpaid": ("subscription_unpaid", "the organization's subscription is unpaid"),
}
#: Accepted work waits for at most 90 days. A key's stop is kept longer than that.
_KEPT = timedelta(days=100)


def stop_of_key(key_id: str) -> str:
    """Returns the name of a key's stop."""
    return f"key#{key_id}"


class StoppedError(Exception):
    """The organization or the key of the accepted work is stopped. The text names which, `code` gives the reason."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class CapMark(NamedTuple):
    """The spending cap that a claim was decided with. Each cap has its own mark; a cap that was never set has none."""

    mark: str | None


def stop_writes(org_id: str, name: str) -> list[Writes]:
    """Returns the writes that stop an organization or a key. Every claim after their commit fails.

    `name` is `ORGANIZATION` or a key's `key()`.
    """
    now = clock.now()
    if name == ORGANIZATION:
        return _copy_writes(org_id, "SET #at = :at", {"#at": "at"}, {":at": clock.format_iso(now)})
    facts: Item = {"at": clock.format_iso(now), "expires": int((now + _KEPT).timestamp())}
    return [Put(table="core", item={**_stop_ref(org_id, name, copy), **facts}) for copy in range(COPIES)]


def lift_writes(org_id: str) -> list[Writes]:
    """Returns the writes that end the stop of an organization."""
    return _copy_writes(org_id, "REMOVE #at", {"#at": "at"}, {})


def unpaid_writes(org_id: str) -> list[Writes]:
    """Returns the writes that stop what an organization sends. Every claim of a call, text or mail out then fails."""
    return _copy_writes(org_id, "SET #unpaid = :at", {"#unpaid": "unpaid"}, {":at": clock.now_iso()})


def paid_writes(org_id: str) -> list[Writes]:
    """Returns the writes that end the stop of an unpaid subscription."""
    return _copy_writes(org_id, "REMOVE #unpaid", {"#unpaid": "unpaid"}, {})


def cap_writes(org_id: str, mark: str) -> list[Writes]:
    """Returns the writes that give claims the mark of a new spending cap, for the commit that sets the cap."""
    return _copy_writes(org_id, "SET #cap = :mark", {"#cap": "cap"}, {":mark": mark})


def _copy_writes(org_id: str, expression: str, names: dict[str, str], values: Item) -> list[Writes]:
    return [
        Update(
            table="core", key=_stop_ref(org_id, ORGANIZATION, copy), expression=expression, names=names, values=values
        )
        for copy in range(COPIES)
    ]


def claim_checks(
    org_id: str, key_id: str | None, *, cap: CapMark | None = None, sends: bool = True
) -> list[ConditionCheck]:
    """Returns the checks of a claim: the organization and the key are not stopped. They raise StoppedError at commit.

    With `cap` they also require that the spending cap has not changed, and raise Contended otherwise. `key_id` is
    `None` for work without a key. With `sends`, as for a call, text or mail out, an unpaid subscription stops it too.
    """
    copy = choose_copy()
    return [_org_check(org_id, copy, cap, sends=sends), *([_key_check(org_id, copy, key_id)] if key_id else [])]


def _org_check(org_id: str, copy: int, cap: CapMark | None, *, sends: bool) -> ConditionCheck:
    condition, names = "attribute_not_exists(#at)", {"#at": "at"}
    if sends:
        names["#unpaid"] = "unpaid"
        condition += " AND attribute_not_exists(#unpaid)"
    if cap is not None:
        names["#cap"] = "cap"
        condition += " AND #cap = :mark" if cap.mark else " AND attribute_not_exists(#cap)"
    values = {":mark": cap.mark} if cap and cap.mark else {}
    return ConditionCheck(
        table="core",
        key=_stop_ref(org_id, ORGANIZATION, copy),
        condition=condition,
        names=names,
        values=values,
        otherwise=partial(_stopped_sending if sends else _stopped, ORGANIZATION),
    )


def _key_check(org_id: str, copy: int, key_id: str) -> ConditionCheck:
    name = stop_of_key(key_id)
    return ConditionCheck(
        table="core",
        key=_stop_ref(org_id, name, copy),
        condition="attribute_not_exists(pk)",
        otherwise=partial(_stopped, name),
    )


def _stopped(name: str, items: list[Item | None]) -> Exception:
    if name == ORGANIZATION and "at" not in (items[0] or {}):
        return Contended("The organization's spending cap has just changed: try again.", retry_after=1)
    return StoppedError(*_REASONS[name.partition("#")[0]])


def _stopped_sending(name: str, items: list[Item | None]) -> Exception:
    found = items[0] or {}
    return StoppedError(*_REASONS["unpaid"]) if "unpaid" in found and "at" not in found else _stopped(name, items)


def _stop_ref(org_id: str, name: str, copy: int) -> Key:
    return {"pk": f"{org_id}#stops#{copy}", "sk": name}
