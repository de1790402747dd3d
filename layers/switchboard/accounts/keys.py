"""API keys: create, list, rotate and revoke them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from switchboard import telemetry
from switchboard.accounts import credentials, stops, store
from switchboard.accounts.models import ApiKey, Caller, KeyKind, KeyRestrictions
from switchboard.accounts.store import key_ref, list_keys
from switchboard.aws.writes import Writes, commit, write_item
from switchboard.errors import Conflict, Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock, ids
from switchboard.persistence.idempotency import EarlierEffect, commit_once
from switchboard.persistence.optimistic import StaleVersionError, retry_on_conflict

__all__ = ["key_ref", "list_keys"]

#: The longest time that a rotated key may work beside its successor, in seconds.
MAX_OVERLAP_SECONDS = 7 * 86_400
#: The maximum number of active keys of a kind in an organization (docs/contracts/athos.md#keys).
MAX_ACTIVE_KEYS = {KeyKind.ATHOS: 5}


class NewKey(NamedTuple):
    """A key and its text. The text is returned only once."""

    key: ApiKey
    text: str


def key_writes(
    origin: Origin,
    kind: KeyKind,
    name: str,
    *,
    agent_id: str | None = None,
    expires_at: str | None = None,
    scopes: Sequence[str] = (),
    restrictions: KeyRestrictions | None = None,
    seed: bytes | None = None,
    replaces: str | None = None,
) -> tuple[NewKey, list[Writes]]:
    """Returns a new key and the writes that store it. The same seed gives the same text.

    `replaces` is the id of the key that the new one succeeds. Raises Conflict if the organization has the maximum
    number of active keys of this kind (MAX_ACTIVE_KEYS).
    """
    minted = credentials.mint_key(kind, seed)
    key = ApiKey(
        id=ids.new_id("key"),
        org_id=origin.org_id,
        agent_id=agent_id,
        kind=kind,
        name=name,
        prefix=minted.prefix,
        hash=minted.hash,
        scopes=list(scopes),
        restrictions=restrictions or KeyRestrictions(),
        created_at=clock.now_iso(),
        created_by=origin.actor.id,
        expires_at=expires_at,
    )
    event_write = events.new_event_write(
        origin, "key.created", Subject(type="key", id=key.id), kind=kind.value, prefix=key.prefix, agent_id=agent_id
    )
    room = _key_limit_write(key, replaces) if kind in MAX_ACTIVE_KEYS else None
    return NewKey(key, minted.text), [*store.key_writes(key), room, event_write]


def _key_limit_write(new: ApiKey, replaces: str | None) -> Writes:
    """Returns the write that counts a new key of a limited kind. Raises Conflict at the limit.

    The write also raises Conflict at commit if another key is created at the same time. A key and its successor count
    as one. Only the keys that were active when the last key was created are read, not all keys of the organization.
    """
    made = store.get_key_count(new.org_id, new.kind)
    now = clock.now_iso()
    active = [
        key.id
        for key in store.get_keys(new.org_id, made.active)
        if key.id != replaces
        and not (key.revoked_at or key.rotated_to)
        and not (key.expires_at and key.expires_at <= now)
    ]
    if len(active) >= MAX_ACTIVE_KEYS[new.kind]:
        raise Conflict(
            f"The limit of {MAX_ACTIVE_KEYS[new.kind]} active keys of this kind is reached: revoke one first.",
            code="keys_exhausted",
        )
    return store.key_count_write(new.org_id, new.kind, made.number, [*active, new.id])


def create_key(
    caller: Caller,
    kind: KeyKind,
    name: str,
    *guards: Writes,
    agent_id: str | None = None,
    expires_at: str | None = None,
) -> NewKey:
    """Creates a key for the caller's organization. The `guards` are checks in the same commit.

    Raises Invalid for an expiry in the past.
    """
    if expires_at and expires_at <= clock.now_iso():
        raise Invalid("The expiry is in the past: choose a later time.", fields={"expiresAt": "is in the past"})
    seed = caller.effect.derive_seed("key") if caller.effect else None
    made, writes = key_writes(caller, kind, name, agent_id=agent_id, expires_at=expires_at, seed=seed)
    done = commit_once(caller.effect, made.key.id, guards, writes)
    return _key_of_earlier_run(caller, kind, done) if done else made


def _key_of_earlier_run(caller: Caller, kind: KeyKind, done: EarlierEffect) -> NewKey:
    assert caller.effect is not None
    return NewKey(get_key(caller.org_id, done.subject_id), key_text(kind, caller.effect.derive_seed("key", done.salt)))


def key_text(kind: KeyKind, seed: bytes) -> str:
    """Returns the text of the key that a seed gives."""
    return credentials.mint_key(kind, seed).text


def get_key(org_id: str, key_id: str) -> ApiKey:
    """Returns a key of an organization. Raises NotFound."""
    found = store.get_key(org_id, key_id)
    if not found:
        raise NotFound("There is no such key: check its id.")
    return found


def revoke_key(origin: Origin, key_id: str) -> ApiKey:
    """Revokes a key. Requests fail within the key cache's time; waiting work of the key stops at once.

    Revoking a revoked key changes nothing. Raises NotFound.
    """

    def attempt() -> ApiKey:
        found = get_key(origin.org_id, key_id)
        if found.revoked_at:
            return found
        now = clock.now_iso()
        event_write = events.new_event_write(origin, "key.revoked", Subject(type="key", id=key_id), prefix=found.prefix)
        stop = stops.stop_writes(origin.org_id, stops.stop_of_key(key_id))
        commit(store.revocation_write(found, now, StaleVersionError), stop, event_write)
        return found.model_copy(update={"revoked_at": now})

    revoked = retry_on_conflict(attempt)
    assert revoked is not None, "nothing here is recorded before"
    return revoked


def rotate_key(caller: Caller, key_id: str, overlap_seconds: int) -> NewKey:
    """Creates a successor with the same rights. The old key works for `overlap_seconds` more, then expires.

    Raises NotFound, or Conflict for a key that is revoked, expired or already rotated.
    """
    old = get_key(caller.org_id, key_id)
    seed = caller.effect.derive_seed("key") if caller.effect else None
    made, writes = key_writes(
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
    ends = clock.format_iso(clock.now() + timedelta(seconds=overlap_seconds))
    change = store.key_change_write(
        old,
        {"expires_at": min(ends, old.expires_at) if old.expires_at else ends, "rotated_to": made.key.id},
    )
    event_write = events.new_event_write(
        caller, "key.rotated", Subject(type="key", id=old.id), successor=made.key.id, works_until=ends
    )
    guarded = replace(
        change,
        condition="attribute_exists(pk) AND revoked_at = :none AND rotated_to = :none"
        " AND (expires_at = :none OR expires_at > :now)",
        values={**change.values, ":none": None, ":now": clock.now_iso()},
        otherwise=lambda _: Conflict(
            "This key is revoked, expired or already rotated: create a new key instead.", code="key_not_active"
        ),
    )
    done = commit_once(caller.effect, made.key.id, guarded, writes, event_write)
    return _key_of_earlier_run(caller, old.kind, done) if done else made


class KeyPointer(NamedTuple):
    """The ids that a key's hash leads to."""

    org_id: str
    key_id: str
    agent_id: str | None


def find_key_pointer(digest: str) -> KeyPointer | None:
    """Looks up a key by its hash."""
    item = store.get_key_pointer(digest)
    return KeyPointer(item["org_id"], item["key_id"], item.get("agent_id")) if item else None


def record_key_use(key: ApiKey) -> None:
    """Records that a key was used. Best effort: a failure here never fails the request."""
    try:
        write_item(store.key_change_write(key, {"last_used_at": clock.now_iso()}))
    except Exception:  # noqa: BLE001 the request continues after any failure
        telemetry.emit_metric("KeyUseNotNoted")
