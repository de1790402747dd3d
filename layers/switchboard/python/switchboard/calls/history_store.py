"""The histories of numbers in the `core` table, where contacts are, so that one read brings both.

| item | pk | sk |
|---|---|---|
| history of a number | `<org>#history` | `<id of the number>` |
"""

from __future__ import annotations

from switchboard.aws.table import Item, Key, Query, Update


def key(org_id: str, number_id: str) -> Key:
    return {"pk": f"{org_id}#history", "sk": number_id}


def count_with_number(place: Key, e164: str, at: str, name: str | None) -> Update:
    """Count a call with a number, and remember the name that it gave the number's holder."""
    named = ", #name = :name" if name else ""
    return Update(
        table="core",
        key=place,
        expression=f"SET e164 = :e164, last_call_at = :at{named} ADD calls :one",
        names={"#name": "name"} if name else {},
        values={":e164": e164, ":at": at, ":one": 1} | ({":name": name} if name else {}),
    )


def numbers(org_id: str, after: str | None, limit: int) -> list[Item]:
    """Histories in the order of their numbers' ids, after one of them."""
    start = dict(key(org_id, after)) if after else None
    return Query(table="core", partition=f"{org_id}#history").page(limit, start).items
