"""Rules of organizations and keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from switchboard import telemetry
from switchboard.accounts import credentials, stops, store
from switchboard.accounts.models import ApiKey, Caller, HardCap, KeyKind, Organisation, Restrictions
from switchboard.accounts.plans import PlanName
from switchboard.aws import clock, ids, table
from switchboard.aws.effect import Done, Effect, commit_once
from switchboard.aws.table import Item, Key, Writes, commit
from switchboard.errors import Conflict, Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit.change import Moved, again

#: The longest time that a rotated key may work beside its successor, in seconds.
MAX_OVERLAP = 7 * 86_400
#: The maximum number of active keys of a kind in an organization (docs/contracts/athos.md#keys).
MOST_ACTIVE = {KeyKind.ATHOS: 5}

Status = Literal["active", "suspended"]


class NewKey(NamedTuple):
    """A key and its text. The text is returned only once."""

    key: ApiKey
    text: str


def new_organisation(name: str, slug: str, plan: PlanName, owner_email: str | None = None) -> Organisation:
    """Return a new organization that is not yet stored."""
    now = clock.stamp()
    return Organisation(
        id=ids.new("org"), name=name, slug=slug, plan=plan, owner_email=owner_email, created_at=now, updated_at=now
    )


def opening(origin: Origin, org: Organisation) -> list[Writes]:
    """Return the writes that create an organization. They raise Conflict at commit if its owner already has one."""
    event = events.of(
        origin, "organization.created", Subject(type="organization", id=org.id), plan=org.plan.value, slug=org.slug
    )
    owner = store.put_owner(org, org.owner_email) if org.owner_email else None
    return [store.put_org(org), owner, events.record(event)]


def organisation(org_id: str) -> Organisation:
    """Return an organization. Raises NotFound."""
    found = store.get_org(org_id)
    if not found:
        raise NotFound("There is no such organization.")
    return found


def organisations(limit: int, start: Item | None = None) -> tuple[list[Organisation], Item | None]:
    """Return a page of all organizations, newest first, and the key of the next page. For operators only."""
    page = store.orgs(limit, start)
    return [store.read_org(item) for item in page.items], page.next_key


def describe(origin: Origin, org: Organisation, changes: dict[str, Any], effect: Effect | None = None) -> Organisation:
    """Change fields of an organization's profile; the others stay. Returns `org` with the changes."""
    now = clock.stamp()
    event = events.of(
        origin,
        "organization.updated",
        Subject(type="organization", id=org.id),
        fields=sorted(changes),
    )
    after = store.change_org(org.id, {**changes, "updated_at": now})
    if commit_once(effect, org.id, after, events.record(event)):
        return organisation(org.id)
    return org.model_copy(update={**changes, "updated_at": now})


def set_plan(origin: Origin, plan: PlanName, limits: dict[str, int] | None = None) -> None:
    """Move an organization to a plan. `limits` replaces all negotiated limits.

    Takes effect within the key cache's time (KEY_CACHE_SECONDS). Use `set_limit` to change a single negotiated limit.
    """
    changes: dict[str, Any] = {"plan": plan.value, "updated_at": clock.stamp()}
    if limits is not None:
        changes["limits"] = limits
    commit(store.change_org(origin.org_id, changes), _plan_changed(origin, plan))


def set_limit(origin: Origin, name: str, value: int | None) -> None:
    """Set one negotiated limit, or return to the plan's own with `None`. The plan and the other limits stay.

    Takes effect within the key cache's time (KEY_CACHE_SECONDS). Raises NotFound.
    """

    def attempt() -> None:
        org = organisation(origin.org_id)
        limits = {key: limit for key, limit in org.limits.items() if key != name}
        if value is not None:
            limits[name] = value
        changes = {"limits": limits, "updated_at": clock.stamp()}
        commit(store.change_seen_org(org, changes, ("plan", "limits")), _plan_changed(origin, org.plan))

    again(attempt)


def _plan_changed(origin: Origin, plan: PlanName) -> Writes:
    return events.record(
        events.of(origin, "organization.plan_changed", Subject(type="organization", id=origin.org_id), plan=plan.value)
    )


def set_status(origin: Origin, status: Status) -> None:
    """Make an organization active or suspended.

    Its keys follow within the key cache's time (KEY_CACHE_SECONDS). Accepted work that waits for a worker follows at
    once.
    """
    event = events.of(
        origin, "organization.status_changed", Subject(type="organization", id=origin.org_id), status=status
    )
    active = status == "active"
    commit(
        store.change_org(origin.org_id, {"status": status, "updated_at": clock.stamp()}),
        stops.lift_writes(origin.org_id) if active else stops.stop_writes(origin.org_id, stops.ORGANIZATION),
        events.record(event),
    )


def set_calling_hours(origin: Origin, hours: dict[str, str] | None, effect: Effect | None = None) -> None:
    """Set the organization's own calling hours, `start` and `end`, or remove them with `None`.

    Call `compliance.set_hours` instead: it validates them first.
    """
    event = events.of(
        origin,
        "organization.calling_hours_changed",
        Subject(type="organization", id=origin.org_id),
        start=hours["start"] if hours else None,
        end=hours["end"] if hours else None,
    )
    after = store.change_org(origin.org_id, {"calling_hours": hours, "updated_at": clock.stamp()})
    commit_once(effect, origin.org_id, after, events.record(event))


def hard_cap_writes(origin: Origin, cap: HardCap, seen: Organisation | None = None) -> list[Writes]:
    """Return the writes that set the organization's own monthly spending limit. Later claims cannot use the old limit.

    With `seen` they raise Moved at commit if the limit has changed since that reading.
    """
    mark = ids.new("cap")
    event = events.of(
        origin, "billing.hard_cap_changed", Subject(type="organization", id=origin.org_id), **cap.model_dump()
    )
    changes = {"hard_cap": cap.model_dump(), "cap_mark": mark, "updated_at": clock.stamp()}
    return [
        store.change_seen_org(seen, changes, ("cap_mark",)) if seen else store.change_org(origin.org_id, changes),
        stops.cap_writes(origin.org_id, mark),
        events.record(event),
    ]


def set_hard_cap(origin: Origin, cap: HardCap, effect: Effect | None = None, seen: Organisation | None = None) -> None:
    """Set the organization's own monthly spending limit, and leave the usage counters as they are.

    `usage.set_hard_cap` also balances the counters. Raises Moved if the limit has changed since `seen` was read.
    """
    commit_once(effect, origin.org_id, hard_cap_writes(origin, cap, seen))


def counting(
    org_id: str, gauge: str, step: int, limit: int | None, otherwise: Callable[[list[Item | None]], Exception] | None
) -> Writes:
    """Return the write that adds `step` to an organization's gauge (`agents` …), within `limit`."""
    return store.count(org_id, gauge, step, limit, otherwise)


def new_key(
    origin: Origin,
    kind: KeyKind,
    name: str,
    *,
    agent_id: str | None = None,
    expires_at: str | None = None,
    scopes: Sequence[str] = (),
    restrictions: Restrictions | None = None,
    seed: bytes | None = None,
    replaces: str | None = None,
) -> tuple[NewKey, list[Writes]]:
    """Return a new key and the writes that store it. The same seed gives the same text.

    `replaces` is the id of the key that the new one succeeds. Raises Conflict if the organization has the maximum
    number of active keys of this kind (MOST_ACTIVE).
    """
    minted = credentials.mint(kind, seed)
    key = ApiKey(
        id=ids.new("key"),
        org_id=origin.org_id,
        agent_id=agent_id,
        kind=kind,
        name=name,
        prefix=minted.prefix,
        hash=minted.hash,
        scopes=list(scopes),
        restrictions=restrictions or Restrictions(),
        created_at=clock.stamp(),
        created_by=origin.actor.id,
        expires_at=expires_at,
    )
    event = events.of(
        origin, "key.created", Subject(type="key", id=key.id), kind=kind.value, prefix=key.prefix, agent_id=agent_id
    )
    room = _room(key, replaces) if kind in MOST_ACTIVE else None
    return NewKey(key, minted.text), [*store.put_key(key), room, events.record(event)]


def _room(new: ApiKey, replaces: str | None) -> Writes:
    """Return the write that counts a new key of a limited kind. Raises Conflict at the limit.

    The write also raises Conflict at commit if another key is created at the same time. A key and its successor count
    as one. Only the keys that were active when the last key was created are read, not all keys of the organization.
    """
    made = store.made(new.org_id, new.kind)
    now = clock.stamp()
    active = [
        key.id
        for key in store.some_keys(new.org_id, made.active)
        if key.id != replaces
        and not (key.revoked_at or key.rotated_to)
        and not (key.expires_at and key.expires_at <= now)
    ]
    if len(active) >= MOST_ACTIVE[new.kind]:
        raise Conflict(
            f"The limit of {MOST_ACTIVE[new.kind]} active keys of this kind is reached: revoke one first.",
            code="keys_exhausted",
        )
    return store.number(new.org_id, new.kind, made.number, [*active, new.id])


def create_key(
    caller: Caller,
    kind: KeyKind,
    name: str,
    *guards: Writes,
    agent_id: str | None = None,
    expires_at: str | None = None,
) -> NewKey:
    """Create a key for the caller's organization. The `guards` are checks in the same commit.

    Raises Invalid for an expiry in the past.
    """
    if expires_at and expires_at <= clock.stamp():
        raise Invalid("The expiry is in the past: choose a later time.", fields={"expiresAt": "is in the past"})
    seed = caller.effect.seed("key") if caller.effect else None
    made, writes = new_key(caller, kind, name, agent_id=agent_id, expires_at=expires_at, seed=seed)
    done = commit_once(caller.effect, made.key.id, guards, writes)
    return _made_before(caller, kind, done) if done else made


def _made_before(caller: Caller, kind: KeyKind, done: Done) -> NewKey:
    assert caller.effect is not None
    return NewKey(key(caller.org_id, done.subject_id), key_text(kind, caller.effect.seed("key", done.salt)))


def key_text(kind: KeyKind, seed: bytes) -> str:
    """Return the text of the key that a seed gives."""
    return credentials.mint(kind, seed).text


def key(org_id: str, key_id: str) -> ApiKey:
    """Return a key of an organization. Raises NotFound."""
    found = store.get_key(org_id, key_id)
    if not found:
        raise NotFound("There is no such key.")
    return found


def keys(org_id: str, limit: int, after: str | None) -> tuple[list[ApiKey], str | None]:
    """Return a page of the organization's keys, newest first, and the cursor of the next page."""
    return store.list_keys(org_id, limit, after)


def revoke_key(origin: Origin, key_id: str) -> ApiKey:
    """Revoke a key. Requests fail within the key cache's time; waiting work of the key stops at once.

    Revoking a revoked key changes nothing. Raises NotFound.
    """

    def attempt() -> ApiKey:
        found = key(origin.org_id, key_id)
        if found.revoked_at:
            return found
        now = clock.stamp()
        event = events.of(origin, "key.revoked", Subject(type="key", id=key_id), prefix=found.prefix)
        stop = stops.stop_writes(origin.org_id, stops.key(key_id))
        commit(store.revoke_key(found, now, Moved), stop, events.record(event))
        return found.model_copy(update={"revoked_at": now})

    revoked = again(attempt)
    assert revoked is not None, "nothing here is recorded before"
    return revoked


def rotate_key(caller: Caller, key_id: str, overlap_seconds: int) -> NewKey:
    """Create a successor with the same rights. The old key works for `overlap_seconds` more, then expires.

    Raises NotFound, or Conflict for a key that is revoked, expired or already rotated.
    """
    old = key(caller.org_id, key_id)
    seed = caller.effect.seed("key") if caller.effect else None
    made, writes = new_key(
        caller,
        old.kind,
        old.name,
        agent_id=old.agent_id,
        expires_at=old.expires_at,
        scopes=old.scopes,
        restrictions=old.restrictions,
        seed=seed,
        replaces=old.id,
    )
    ends = clock.iso(clock.now() + timedelta(seconds=overlap_seconds))
    change = store.change_key(
        old,
        {"expires_at": min(ends, old.expires_at) if old.expires_at else ends, "rotated_to": made.key.id},
    )
    event = events.of(caller, "key.rotated", Subject(type="key", id=old.id), successor=made.key.id, works_until=ends)
    guarded = replace(
        change,
        condition="attribute_exists(pk) AND revoked_at = :none AND rotated_to = :none"
        " AND (expires_at = :none OR expires_at > :now)",
        values={**change.values, ":none": None, ":now": clock.stamp()},
        otherwise=lambda _: Conflict(
            "This key is revoked, expired or already rotated: create a new key instead.", code="key_not_active"
        ),
    )
    done = commit_once(caller.effect, made.key.id, guarded, writes, events.record(event))
    return _made_before(caller, old.kind, done) if done else made


class KeyPointer(NamedTuple):
    """The ids that a key's hash leads to."""

    org_id: str
    key_id: str
    agent_id: str | None


def key_pointer(digest: str) -> KeyPointer | None:
    """Look up a key by its hash."""
    item = store.pointer(digest)
    return KeyPointer(item["org_id"], item["key_id"], item.get("agent_id")) if item else None


def org_key_of(org_id: str) -> Key:
    """Return the table key of an organization, for a read together with other items."""
    return store.org_key(org_id)


def key_key_of(org_id: str, key_id: str) -> Key:
    """Return the table key of an API key, for a read together with other items."""
    return store.key_key(org_id, key_id)


def org_from_item(item: Item) -> Organisation:
    """Parse a stored organization."""
    return store.read_org(item)


def key_from_item(item: Item) -> ApiKey:
    """Parse a stored API key."""
    return store.read_key(item)


def note_use(key: ApiKey) -> None:
    """Record that a key was used. Best effort: a failure here never fails the request."""
    try:
        table.write(store.change_key(key, {"last_used_at": clock.stamp()}))
    except Exception:  # noqa: BLE001 the request continues after any failure
        telemetry.metric("KeyUseNotNoted")
