"""Organizations and keys in the `core` table.

| item | pk | sk | gsi1 |
|---|---|---|---|
| organization | `<org>` | `org` | `orgs`, `<created_at>#<org>`: for the operator |
| gauges | `<org>` | `gauges` | |
| the number of keys of a kind that were created, and the ids that may still be active | `<org>` | `made#<kind>` | |
| key | `<org>` | `key#<id>` | |
| key look-up | `key#<hash>` | `key` | |
| owner look-up | `owner#<digest of address>` | `owner` | |
| slug look-up | `slug#<slug>` | `slug` | |

The look-ups hold pointers only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from switchboard.accounts.models import ApiKey, Organization
from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query, QueryPage, Ref
from switchboard.aws.writes import Delete, Put, Update, room_condition
from switchboard.errors import Conflict
from switchboard.kit import texts
from switchboard.persistence.listing import read_query_page
from switchboard.persistence.optimistic import StaleVersionError

#: The number of keys in one read.
_KEYS_PER_READ = 100


def organization_ref(org_id: str) -> Ref[Organization]:
    """Returns the reference to an organization."""
    return Ref("core", {"pk": org_id, "sk": "org"}, parse_organization)


def key_ref(org_id: str, key_id: str) -> Ref[ApiKey]:
    """Returns the reference to an API key."""
    return Ref("core", {"pk": org_id, "sk": f"key#{key_id}"}, parse_key)


def organization_write(org: Organization) -> Put:
    return Put(
        table="core",
        item={
            **organization_ref(org.id).key,
            "gsi1pk": "orgs",
            "gsi1sk": f"{org.created_at}#{org.id}",
            **org.model_dump(mode="json"),
        },
        unless_exists=True,
    )


def owner_write(org: Organization, address: str) -> Put:
    return Put(
        table="core",
        item={"pk": f"owner#{texts.digest(address.lower())}", "sk": "owner", "org_id": org.id},
        unless_exists=True,
        otherwise=partial(
            _conflict, "This address already owns an organization: sign in, or use another address.", "owner_exists"
        ),
    )


def slug_write(slug: str, org_id: str, *, is_derived: bool = False) -> Put:
    """Returns the write that claims a slug. It raises Conflict at commit if another organization has the slug.

    With `is_derived`, nobody chose this slug: the write raises StaleVersionError, so that another one is tried.
    """
    return Put(
        table="core",
        item={**_slug_ref(slug), "org_id": org_id},
        unless_exists=True,
        otherwise=StaleVersionError
        if is_derived
        else partial(_conflict, f"Another organization has the slug {slug}: choose another slug.", "slug_taken"),
    )


def slug_delete_write(org: Organization) -> Delete:
    """Returns the write that frees an organization's slug. An older organization may have no claim."""
    return Delete(
        table="core",
        key=_slug_ref(org.slug),
        condition="attribute_not_exists(pk) OR org_id = :org",
        values={":org": org.id},
    )


def find_slug_owner(slug: str) -> str | None:
    """Returns the id of the organization that has claimed a slug, `None` if it is free."""
    item = reads.get_item("core", _slug_ref(slug))
    return str(item["org_id"]) if item else None


def _slug_ref(slug: str) -> Key:
    return {"pk": f"slug#{slug}", "sk": "slug"}


def _conflict(message: str, code: str, _: list[Item | None]) -> Exception:
    return Conflict(message, code=code)


def parse_organization(item: Item) -> Organization:
    return Organization.model_validate(item)


def get_organization(org_id: str) -> Organization | None:
    return reads.read_ref(organization_ref(org_id))


def list_organizations(limit: int, start: Item | None) -> QueryPage:
    return Query(table="core", index="gsi1", partition="orgs", forward=False).read_page(limit, start)


def organization_change_write(org_id: str, changes: dict[str, Any]) -> Update:
    return Update.set_attributes("core", organization_ref(org_id).key, changes)


def unchanged_organization_write(org: Organization, changes: dict[str, Any], seen: Sequence[str]) -> Update:
    """Changes an organization if the fields `seen` still have the values that were read.

    Raises StaleVersionError at commit.
    """
    change = organization_change_write(org.id, changes)
    read, blank = org.model_dump(mode="json", include=set(seen)), Organization.model_fields
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
        otherwise=StaleVersionError,
    )


def key_writes(key: ApiKey) -> tuple[Put, Put]:
    pointer = {"pk": f"key#{key.hash}", "sk": "key", "org_id": key.org_id, "key_id": key.id, "agent_id": key.agent_id}
    return (
        Put(table="core", item={**key_ref(key.org_id, key.id).key, **key.model_dump()}, unless_exists=True),
        Put(table="core", item=pointer, unless_exists=True),
    )


def get_key_pointer(digest: str) -> Item | None:
    return reads.get_item("core", {"pk": f"key#{digest}", "sk": "key"})


def parse_key(item: Item) -> ApiKey:
    return ApiKey.model_validate(item)


def get_key(org_id: str, key_id: str) -> ApiKey | None:
    return reads.read_ref(key_ref(org_id, key_id))


def list_keys(org_id: str, limit: int, after: str | None) -> tuple[list[ApiKey], str | None]:
    """Returns a page of the organization's keys, newest first, and the cursor of the next page."""
    query = Query(table="core", partition=org_id, begins="key#", forward=False)
    return read_query_page(query, parse_key, org_id, "keys", limit, after)


class KeyCount(NamedTuple):
    """The number of keys of a kind, and the ids of the keys that were active when the last key was created."""

    number: int
    active: list[str]


def get_key_count(org_id: str, kind: str) -> KeyCount:
    item = reads.get_item("core", _key_count_ref(org_id, kind))
    if item is None:
        return KeyCount(0, [])
    if "active" not in item:
        # An item without ids was written before ids were kept. The next key writes them.
        keys = map(parse_key, Query(table="core", partition=org_id, begins="key#").read_all())
        return KeyCount(int(item["number"]), [key.id for key in keys if key.kind == kind])
    return KeyCount(int(item["number"]), list(item["active"]))


def get_keys(org_id: str, key_ids: Sequence[str]) -> list[ApiKey]:
    """Returns the keys of these ids, without those that do not exist."""
    found: list[ApiKey] = []
    for begin in range(0, len(key_ids), _KEYS_PER_READ):
        keys = reads.read_refs(*(key_ref(org_id, key_id) for key_id in key_ids[begin : begin + _KEYS_PER_READ]))
        found += [key for key in keys if key]
    return found


def key_count_write(org_id: str, kind: str, seen: int, active: Sequence[str]) -> Update:
    """Returns the write that counts one more key of a kind and stores the ids of the active keys.

    Raises Conflict at commit if another key was created since `seen` was read.
    """
    return Update(
        table="core",
        key=_key_count_ref(org_id, kind),
        expression="SET #number = :next, active = :active",
        names={"#number": "number"},
        values={":next": seen + 1, ":active": list(active)} | ({":seen": seen} if seen else {}),
        condition="#number = :seen" if seen else "attribute_not_exists(pk)",
        otherwise=partial(_conflict, "Another key was created at the same time: try again.", "keys_changed"),
    )


def _key_count_ref(org_id: str, kind: str) -> Key:
    return {"pk": org_id, "sk": f"made#{kind}"}


def key_change_write(key: ApiKey, changes: dict[str, Any]) -> Update:
    return Update.set_attributes("core", key_ref(key.org_id, key.id).key, changes)


def revocation_write(key: ApiKey, now: str, otherwise: Callable[[list[Item | None]], Exception]) -> Update:
    """Returns the write that revokes a key which is not yet revoked."""
    change = key_change_write(key, {"revoked_at": now})
    return replace(
        change,
        condition=f"{change.condition} AND revoked_at = :none",
        values={**change.values, ":none": None},
        otherwise=otherwise,
    )


def gauge_write(
    org_id: str, gauge: str, step: int, limit: int | None, otherwise: Callable[[list[Item | None]], Exception] | None
) -> Update:
    """Returns the write that adds `step` to an organization's gauge (`agents` …), within `limit`."""
    room = None if limit is None or step < 0 else limit - step
    return Update(
        table="core",
        key={"pk": org_id, "sk": "gauges"},
        expression="ADD #gauge :step",
        names={"#gauge": gauge},
        values={":step": step} | ({} if room is None else {":room": room}),
        condition=None if room is None else room_condition("#gauge", ":room", room),
        otherwise=otherwise,
    )


def get_gauge(org_id: str, gauge: str) -> int:
    """Returns the value of an organization's gauge (`agents` …)."""
    item = reads.get_item("core", {"pk": org_id, "sk": "gauges"}) or {}
    return int(item.get(gauge, 0))
