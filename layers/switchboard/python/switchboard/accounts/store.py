"""Organizations and keys in the `core` table.

| item | pk | sk | gsi1 |
|---|---|---|---|
| organization | `<org>` | `org` | `orgs`, `<created_at>#<org>`: for the operator |
| gauges | `<org>` | `gauges` | |
| the number of keys of a kind that were created, and the ids that may still be active | `<org>` | `made#<kind>` | |
| key | `<org>` | `key#<id>` | |
| key look-up | `key#<hash>` | `key` | |
| owner look-up | `owner#<digest of address>` | `owner` | |

The look-ups hold pointers only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from switchboard.accounts.models import ApiKey, Organisation
from switchboard.aws import secret, table
from switchboard.aws.table import Item, Key, Page, Put, Query, Update, room_for
from switchboard.errors import Conflict
from switchboard.kit.change import Moved
from switchboard.kit.listing import page_of

#: The number of keys in one read.
_TOGETHER = 100


def org_key(org_id: str) -> Key:
    return {"pk": org_id, "sk": "org"}


def key_key(org_id: str, key_id: str) -> Key:
    return {"pk": org_id, "sk": f"key#{key_id}"}


def put_org(org: Organisation) -> Put:
    return Put(
        table="core",
        item={
            **org_key(org.id),
            "gsi1pk": "orgs",
            "gsi1sk": f"{org.created_at}#{org.id}",
            **org.model_dump(mode="json"),
        },
        unless_exists=True,
    )


def put_owner(org: Organisation, address: str) -> Put:
    return Put(
        table="core",
        item={"pk": f"owner#{secret.digest(address.lower())}", "sk": "owner", "org_id": org.id},
        unless_exists=True,
        otherwise=partial(
            _taken, "This address already owns an organization: sign in, or use another address.", "owner_exists"
        ),
    )


def _taken(message: str, code: str, _: list[Item | None]) -> Exception:
    return Conflict(message, code=code)


def read_org(item: Item) -> Organisation:
    return Organisation.model_validate(item)


def get_org(org_id: str) -> Organisation | None:
    item = table.get("core", org_key(org_id))
    return read_org(item) if item else None


def orgs(limit: int, start: Item | None) -> Page:
    return Query(table="core", index="gsi1", partition="orgs", forward=False).page(limit, start)


def change_org(org_id: str, changes: dict[str, Any]) -> Update:
    return Update.of("core", org_key(org_id), changes)


def change_seen_org(org: Organisation, changes: dict[str, Any], seen: Sequence[str]) -> Update:
    """Change an organization if the fields `seen` still have the values that were read. Raises Moved at commit."""
    change = change_org(org.id, changes)
    read, blank = org.model_dump(mode="json", include=set(seen)), Organisation.model_fields
    held = []
    for name in seen:
        # An organization that was stored before a field existed has no attribute, and so the field's default.
        default = getattr(org, name) == blank[name].get_default(call_default_factory=True)
        held.append(f"(#{name} = :seen_{name}" + (f" OR attribute_not_exists(#{name}))" if default else ")"))
    return replace(
        change,
        condition=" AND ".join((f"{change.condition}", *held)),
        names={**change.names, **{f"#{name}": name for name in seen}},
        values={**change.values, **{f":seen_{name}": read[name] for name in seen}},
        otherwise=Moved,
    )


def put_key(key: ApiKey) -> tuple[Put, Put]:
    pointer = {"pk": f"key#{key.hash}", "sk": "key", "org_id": key.org_id, "key_id": key.id, "agent_id": key.agent_id}
    return (
        Put(table="core", item={**key_key(key.org_id, key.id), **key.model_dump()}, unless_exists=True),
        Put(table="core", item=pointer, unless_exists=True),
    )


def pointer(digest: str) -> Item | None:
    return table.get("core", {"pk": f"key#{digest}", "sk": "key"})


def read_key(item: Item) -> ApiKey:
    return ApiKey.model_validate(item)


def get_key(org_id: str, key_id: str) -> ApiKey | None:
    item = table.get("core", key_key(org_id, key_id))
    return read_key(item) if item else None


def list_keys(org_id: str, limit: int, after: str | None) -> tuple[list[ApiKey], str | None]:
    query = Query(table="core", partition=org_id, begins="key#", forward=False)
    return page_of(query, read_key, org_id, "keys", limit, after)


class Made(NamedTuple):
    """The number of keys of a kind, and the ids of the keys that were active when the last key was created."""

    number: int
    active: list[str]


def made(org_id: str, kind: str) -> Made:
    item = table.get("core", _made_key(org_id, kind))
    if item is None:
        return Made(0, [])
    if "active" not in item:
        # An item without ids was written before ids were kept. The next key writes them.
        keys = map(read_key, Query(table="core", partition=org_id, begins="key#").all())
        return Made(int(item["number"]), [key.id for key in keys if key.kind == kind])
    return Made(int(item["number"]), list(item["active"]))


def some_keys(org_id: str, key_ids: Sequence[str]) -> list[ApiKey]:
    """Return the keys of these ids, without those that do not exist."""
    found: list[ApiKey] = []
    for begin in range(0, len(key_ids), _TOGETHER):
        items = table.get_many("core", [key_key(org_id, key_id) for key_id in key_ids[begin : begin + _TOGETHER]])
        found += [read_key(item) for item in items if item]
    return found


def number(org_id: str, kind: str, seen: int, active: Sequence[str]) -> Update:
    """Return the write that counts one more key of a kind and stores the ids of the active keys.

    Raises Conflict at commit if another key was created since `seen` was read.
    """
    return Update(
        table="core",
        key=_made_key(org_id, kind),
        expression="SET #number = :next, active = :active",
        names={"#number": "number"},
        values={":next": seen + 1, ":active": list(active)} | ({":seen": seen} if seen else {}),
        condition="#number = :seen" if seen else "attribute_not_exists(pk)",
        otherwise=partial(_taken, "Another key was created at the same time: try again.", "keys_changed"),
    )


def _made_key(org_id: str, kind: str) -> Key:
    return {"pk": org_id, "sk": f"made#{kind}"}


def change_key(key: ApiKey, changes: dict[str, Any]) -> Update:
    return Update.of("core", key_key(key.org_id, key.id), changes)


def revoke_key(key: ApiKey, now: str, otherwise: Callable[[list[Item | None]], Exception]) -> Update:
    """Return the write that revokes a key which is not yet revoked."""
    change = change_key(key, {"revoked_at": now})
    return replace(
        change,
        condition=f"{change.condition} AND revoked_at = :none",
        values={**change.values, ":none": None},
        otherwise=otherwise,
    )


def count(org_id: str, gauge: str, step: int, limit: int | None, otherwise: Any) -> Update:
    room = None if limit is None or step < 0 else limit - step
    return Update(
        table="core",
        key={"pk": org_id, "sk": "gauges"},
        expression="ADD #gauge :step",
        names={"#gauge": gauge},
        values={":step": step} | ({} if room is None else {":room": room}),
        condition=None if room is None else room_for("#gauge", ":room", room),
        otherwise=otherwise,
    )
