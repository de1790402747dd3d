"""Organisations and keys: their rules."""

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

#: The longest that a rotated key may go on working beside its successor, in seconds.
MAX_OVERLAP = 7 * 86_400
#: How many keys of a kind an organisation may have that open anything (docs/contracts/athos.md#keys).
MOST_ACTIVE = {KeyKind.ATHOS: 5}

Status = Literal["active", "suspended"]


class NewKey(NamedTuple):
    """A key and its text, which exists only in this answer."""

    key: ApiKey
    text: str


def new_organisation(name: str, slug: str, plan: PlanName, owner_email: str | None = None) -> Organisation:
    """An organisation that is not yet stored."""
    now = clock.stamp()
    return Organisation(
        id=ids.new("org"), name=name, slug=slug, plan=plan, owner_email=owner_email, created_at=now, updated_at=now
    )


def opening(origin: Origin, org: Organisation) -> list[Writes]:
    """The writes that open an organisation. Raises Conflict at commit when its owner has one."""
    event = events.of(
        origin, "organization.created", Subject(type="organization", id=org.id), plan=org.plan.value, slug=org.slug
    )
    owner = store.put_owner(org, org.owner_email) if org.owner_email else None
    return [store.put_org(org), owner, events.record(event)]


def organisation(org_id: str) -> Organisation:
    """The organisation. Raises NotFound."""
    found = store.get_org(org_id)
    if not found:
        raise NotFound("There is no such organisation.")
    return found


def organisations(limit: int, start: Item | None = None) -> tuple[list[Organisation], Item | None]:
    """Organisations, newest first: for the operator only."""
    page = store.orgs(limit, start)
    return [store.read_org(item) for item in page.items], page.next_key


def describe(origin: Origin, org: Organisation, changes: dict[str, Any], effect: Effect | None = None) -> Organisation:
    """Change fields of an organisation's profile; the others stay. Answers it as it was read, with the changes."""
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
    """Move an organisation to a plan; `limits` replace all that was agreed on. In effect within the key cache's time.

    Use `set_limit` to change one figure of those that were agreed on.
    """
    changes: dict[str, Any] = {"plan": plan.value, "updated_at": clock.stamp()}
    if limits is not None:
        changes["limits"] = limits
    commit(store.change_org(origin.org_id, changes), _plan_changed(origin, plan))


def set_limit(origin: Origin, name: str, value: int | None) -> None:
    """Agree on one figure in place of the plan's, or on the plan's own (`None`). The plan and other figures stay.

    In effect within the key cache's time. Raises NotFound.
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
    """Make an organisation active or suspended.

    Its keys feel it within the key cache's time, and what was accepted before and waits for a worker at once.
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
    """Set the organisation's own calling hours, `start` and `end`, or take them away.

    `compliance.set_hours` looks them through first.
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
    """The writes that set the organisation's own monthly spending limit. After them no claim counts on the old one.

    With `seen` they hold only while the limit is the one of that reading: raises Moved at commit.
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
    """Set the organisation's own monthly spending limit, and leave the books as they are.

    `usage.set_hard_cap` balances them too. Raises Moved where the limit is no longer the one that was `seen`.
    """
    commit_once(effect, origin.org_id, hard_cap_writes(origin, cap, seen))


def counting(
    org_id: str, gauge: str, step: int, limit: int | None, otherwise: Callable[[list[Item | None]], Exception] | None
) -> Writes:
    """The write that counts one more or one less of something an organisation holds, within its limit."""
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
    """A key and the writes that store it. With a seed, the same text comes out again.

    Raises Conflict where there are as many active ones of its kind as there may be (MOST_ACTIVE).
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
    """The write that lets one more key of a kind be made, if nobody else makes one meanwhile. Raises Conflict.

    A key that has a successor, or gets it by this, counts once with it. Only the keys that were active when the last
    one was made are read, and none of those that the organisation had before.
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
            f"There are {MOST_ACTIVE[new.kind]} active keys of this kind: revoke one first.", code="keys_exhausted"
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
    """Create a key for the caller's organisation, if the guards hold. Raises Invalid for an expiry that has passed."""
    if expires_at and expires_at <= clock.stamp():
        raise Invalid("The key would have expired already.", fields={"expiresAt": "is in the past"})
    seed = caller.effect.seed("key") if caller.effect else None
    made, writes = new_key(caller, kind, name, agent_id=agent_id, expires_at=expires_at, seed=seed)
    done = commit_once(caller.effect, made.key.id, guards, writes)
    return _made_before(caller, kind, done) if done else made


def _made_before(caller: Caller, kind: KeyKind, done: Done) -> NewKey:
    assert caller.effect is not None
    return NewKey(key(caller.org_id, done.subject_id), key_text(kind, caller.effect.seed("key", done.salt)))


def key_text(kind: KeyKind, seed: bytes) -> str:
    """The text of the key that was made with that seed."""
    return credentials.mint(kind, seed).text


def key(org_id: str, key_id: str) -> ApiKey:
    """The organisation's key of that id. Raises NotFound."""
    found = store.get_key(org_id, key_id)
    if not found:
        raise NotFound("There is no such key.")
    return found


def keys(org_id: str, limit: int, after: str | None) -> tuple[list[ApiKey], str | None]:
    """A page of the organisation's keys, newest first, and the cursor of the next."""
    return store.list_keys(org_id, limit, after)


def revoke_key(origin: Origin, key_id: str) -> ApiKey:
    """Make a key open nothing, within the key cache's time, and stop at once what waits for a worker in its name.

    Revoking twice is revoking once.
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
    """Give a key a successor with the same rights. The old one works on for the overlap, then expires.

    Raises Conflict for a key that is revoked, expired or rotated already.
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
        otherwise=lambda _: Conflict("This key can no longer be rotated.", code="key_not_active"),
    )
    done = commit_once(caller.effect, made.key.id, guarded, writes, events.record(event))
    return _made_before(caller, old.kind, done) if done else made


class KeyPointer(NamedTuple):
    """Where a key is, found by its hash."""

    org_id: str
    key_id: str
    agent_id: str | None


def key_pointer(digest: str) -> KeyPointer | None:
    """Where the key with that hash is."""
    item = store.pointer(digest)
    return KeyPointer(item["org_id"], item["key_id"], item.get("agent_id")) if item else None


def org_key_of(org_id: str) -> Key:
    """Where an organisation is stored, for a reader that fetches it along with other items."""
    return store.org_key(org_id)


def key_key_of(org_id: str, key_id: str) -> Key:
    """Where a key is stored, for the same kind of reader."""
    return store.key_key(org_id, key_id)


def org_from_item(item: Item) -> Organisation:
    """The organisation that such an item holds."""
    return store.read_org(item)


def key_from_item(item: Item) -> ApiKey:
    """The key that such an item holds."""
    return store.read_key(item)


def note_use(key: ApiKey) -> None:
    """Record that a key was used. Best effort: a request never fails for it."""
    try:
        table.write(store.change_key(key, {"last_used_at": clock.stamp()}))
    except Exception:  # noqa: BLE001 whatever it is, the caller's request goes on
        telemetry.metric("KeyUseNotNoted")
