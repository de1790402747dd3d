"""Inboxes in the `core` table.

| item | pk | sk |
|---|---|---|
| counted thing | `<org>#inbox#<kind>` | `<place>` |
| removed thing | `<org>#inbox-removed#<kind>` | `<place>` |
| read state of a member | `<org>#inbox-members#<kind>` | `<user>` |
| flag of a thing | `<org>#inbox-flags#<kind>#<user>` | `read#<place>` or `unread#<place>` |

The counts are in `inbox.time_counts`. A place is `<created_at>#<id>`. A removed thing is never counted again, so its
item stays. A flag is valid in its `epoch` only (`inbox.models.ReadState`).
"""

from __future__ import annotations

from collections.abc import Iterator

from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query, QueryPage, Ref
from switchboard.aws.writes import ConditionCheck, Delete, Put, Update, Write
from switchboard.inbox import time_counts
from switchboard.inbox.models import InboxThing, ReadState
from switchboard.persistence.optimistic import StaleVersionError


def thing_key(org_id: str, kind: str, thing: InboxThing) -> Key:
    return {"pk": f"{org_id}#inbox#{kind}", "sk": thing.place}


def removed_key(org_id: str, kind: str, thing: InboxThing) -> Key:
    return {"pk": f"{org_id}#inbox-removed#{kind}", "sk": thing.place}


def state_key(org_id: str, kind: str, user_id: str) -> Key:
    return {"pk": f"{org_id}#inbox-members#{kind}", "sk": user_id}


def state_ref(org_id: str, kind: str, user_id: str) -> Ref[ReadState]:
    """Returns the reference to a member's read state. A member who has read nothing has none."""
    return Ref("core", state_key(org_id, kind, user_id), ReadState.model_validate)


def flag_key(org_id: str, kind: str, user_id: str, flag: str, thing: InboxThing) -> Key:
    return {"pk": f"{org_id}#inbox-flags#{kind}#{user_id}", "sk": f"{flag}#{thing.place}"}


def flag_ref(org_id: str, kind: str, user_id: str, state: ReadState, thing: InboxThing) -> Ref[int] | None:
    """Returns the reference to the epoch of a thing's flag, for `ReadState.is_read`.

    `None` if no thing has a flag of this kind, because the member reads all things in order, or none.
    """
    if not state.has_flags(state.flag_of(thing)):
        return None
    return Ref("core", flag_key(org_id, kind, user_id, state.flag_of(thing), thing), flag_epoch)


def flag_epoch(item: Item) -> int:
    return int(item["epoch"])


def thing_item(org_id: str, kind: str, thing: InboxThing) -> Item:
    return {**thing_key(org_id, kind, thing), "hint": thing.hint}


def add_thing_writes(org_id: str, kind: str, thing: InboxThing) -> list[Write]:
    """Returns the writes that count a new thing. They raise StaleVersionError if it is counted or removed by now."""
    put = Put(
        table="core",
        item=thing_item(org_id, kind, thing),
        unless_exists=True,
        otherwise=StaleVersionError,
    )
    return [put, *time_counts.count_writes(org_id, kind, thing.created_at, 1)]


def drop_thing_writes(org_id: str, kind: str, thing: InboxThing) -> list[Write]:
    """Returns the writes that end the count of a thing. They raise StaleVersionError if it is not counted."""
    delete = Delete(
        table="core",
        key=thing_key(org_id, kind, thing),
        condition="attribute_exists(pk)",
        otherwise=StaleVersionError,
    )
    return [delete, *time_counts.count_writes(org_id, kind, thing.created_at, -1)]


def removed_write(org_id: str, kind: str, thing: InboxThing) -> Put:
    return Put(table="core", item=dict(removed_key(org_id, kind, thing)))


def not_removed_check(org_id: str, kind: str, thing: InboxThing) -> ConditionCheck:
    return ConditionCheck(
        table="core",
        key=removed_key(org_id, kind, thing),
        condition="attribute_not_exists(pk)",
        otherwise=StaleVersionError,
    )


def set_flag_writes(org_id: str, kind: str, user_id: str, state: ReadState, thing: InboxThing) -> list[Write]:
    """Returns the writes that flag a thing as an exception and count the flag. They raise StaleVersionError."""
    flag = state.flag_of(thing)
    put = Put(
        table="core",
        item={**flag_key(org_id, kind, user_id, flag, thing), "epoch": state.epoch, "hint": thing.hint},
        condition="attribute_not_exists(pk) OR epoch <> :epoch",
        values={":epoch": state.epoch},
        otherwise=StaleVersionError,
    )
    return [put, _flag_count_write(org_id, kind, user_id, state, flag, 1)]


def clear_flag_writes(org_id: str, kind: str, user_id: str, state: ReadState, thing: InboxThing) -> list[Write]:
    """Returns the writes that remove a thing's valid flag and its count. They raise StaleVersionError."""
    flag = state.flag_of(thing)
    delete = Delete(
        table="core",
        key=flag_key(org_id, kind, user_id, flag, thing),
        condition="epoch = :epoch",
        values={":epoch": state.epoch},
        otherwise=StaleVersionError,
    )
    return [delete, _flag_count_write(org_id, kind, user_id, state, flag, -1)]


def _flag_count_write(org_id: str, kind: str, user_id: str, state: ReadState, flag: str, by: int) -> Update:
    return Update(
        table="core",
        key=state_key(org_id, kind, user_id),
        expression=f"ADD {flag}_flags :by",
        # The state of the first epoch has no epoch stored: its first flag creates the item.
        condition="epoch = :epoch" if state.epoch else "attribute_not_exists(epoch)",
        values={":by": by} | ({":epoch": state.epoch} if state.epoch else {}),
        otherwise=StaleVersionError,
    )


def next_epoch_write(org_id: str, kind: str, user_id: str, before: ReadState, marked_at: str) -> Put:
    """Returns the write that marks all things as read. It raises StaleVersionError if the state has changed."""
    after = ReadState(epoch=before.epoch + 1, marked_at=marked_at)
    stored = "epoch = :epoch" if before.epoch else "attribute_not_exists(epoch)"
    # The flags that were counted must be those of the answer. A state without flags may have no counters.
    values = {":read_flags": before.read_flags, ":unread_flags": before.unread_flags}
    same = [
        f"({'attribute_not_exists(' + name + ') OR ' if not values[':' + name] else ''}{name} = :{name})"
        for name in ("read_flags", "unread_flags")
    ]
    return Put(
        table="core",
        item={**state_key(org_id, kind, user_id), **after.model_dump()},
        condition=" AND ".join([stored, *same]),
        values=values | ({":epoch": before.epoch} if before.epoch else {}),
        otherwise=StaleVersionError,
    )


def list_states(org_id: str, kind: str) -> Iterator[tuple[str, ReadState]]:
    """Yields all members with a stored state: the user's id and the state."""
    for item in Query(table="core", partition=f"{org_id}#inbox-members#{kind}").read_all():
        yield item["sk"], ReadState.model_validate(item)


def list_things(org_id: str, kind: str) -> Iterator[InboxThing]:
    """Yields all counted things."""
    return (
        InboxThing.of_place(item["sk"]) for item in Query(table="core", partition=f"{org_id}#inbox#{kind}").read_all()
    )


def read_places(org_id: str, kind: str, since: str, before: str, limit: int) -> QueryPage:
    """Returns the counted things from `since` (included) to `before` (not included), the newest first."""
    query = Query(table="core", partition=f"{org_id}#inbox#{kind}", between=(since, before), forward=False)
    return query.read_page(limit)


def read_flags(org_id: str, kind: str, user_id: str, flag: str, since: str, before: str, limit: int) -> QueryPage:
    """Returns a member's flags of a kind in the same range, the newest first."""
    partition = f"{org_id}#inbox-flags#{kind}#{user_id}"
    span = (f"{flag}#{since}", f"{flag}#{before}")
    return Query(table="core", partition=partition, between=span, forward=False).read_page(limit)
