"""Fires triggers: finds the trigger of a token, and records an event from outside once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from switchboard.accounts import organizations
from switchboard.aws import reads
from switchboard.errors import NotFound, RateLimited
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.flows import event_starts
from switchboard.kit import clock, ids, texts
from switchboard.persistence.idempotency import IdempotencyKey, commit_once
from switchboard.triggers import firing_store, service, start_pace, store, tokens
from switchboard.triggers.models import Firing, FiringWithBody, ReportedFiring, Trigger
from switchboard.triggers.store import TokenPointer

#: Read instead of the trigger of an unknown token, so that each refusal reads as much as another.
_NOBODY = TokenPointer("org_none", "trg_none")
#: The longest delivery id that is shown. A longer one still recognizes a repetition.
MAX_DELIVERY_CHARACTERS = 128
#: The largest body in a webhook, in bytes of compact JSON: all of a webhook has at most 20,000, and more would be cut.
MAX_REPORTED_BYTES = 16_000


class FiredEvent(NamedTuple):
    """An event that another system sends: its body as JSON text, and its own id of the event, if it gave one.

    `source` says which header or field has the id, because two sources may use the same ids.
    """

    body: str
    delivery: str | None = None
    source: str = ""


def find_trigger(token: str) -> Trigger:
    """Returns the active trigger of a token.

    Raises NotFound after the same reads for an unknown token, a token that was rotated more than an hour ago, a paused
    or deleted trigger, and a suspended organization. A text that can be no token, by its checksum, costs no read.
    """
    if not tokens.is_well_formed(token):
        raise _unknown()
    token_hash = tokens.hash_token(token)
    pointer = store.find_token(token_hash)
    org_id, trigger_id = pointer or _NOBODY
    trigger, org = reads.read_refs(store.trigger_ref(org_id, trigger_id), organizations.organization_ref(org_id))
    if trigger is None or org is None or org.status != "active" or not trigger.accepts(token_hash, clock.now_iso()):
        raise _unknown()
    return trigger


def _unknown() -> NotFound:
    return NotFound("There is no such trigger: check the address.")


def fire_trigger(trigger: Trigger, fired: FiredEvent) -> Firing | None:
    """Records a firing and its event. Returns `None` for an event that was recorded within the last 24 hours.

    Raises RateLimited for an event that would start flows, while too many starts of the organization wait.
    """
    _require_room(trigger)
    body = fired.body.encode()
    firing = Firing(
        id=ids.new_id(firing_store.FIRING_PREFIX),
        org_id=trigger.org_id,
        trigger_id=trigger.id,
        event_type=trigger.event_type,
        delivery=fired.delivery[:MAX_DELIVERY_CHARACTERS] if fired.delivery else None,
        size=len(body),
        digest=hashlib.sha256(body).hexdigest(),
        correlation_id=ids.new_id("corr"),
        created_at=clock.now_iso(),
    )
    delivery = {"delivery": texts.to_code(firing.delivery)} if firing.delivery else {}
    event_write = events.new_event_write(
        firing_origin(firing),
        "trigger.fired",
        Subject(type="trigger", id=trigger.id),
        event=firing.event_type,
        firing=firing.id,
        size=firing.size,
        digest=firing.digest,
        **delivery,
    )
    done = commit_once(
        _marker_of(trigger, fired), firing.id, firing_store.firing_writes(firing, fired.body), event_write
    )
    return None if done else firing


def _require_room(trigger: Trigger) -> None:
    wait = start_pace.find_wait(trigger.org_id)
    # An event that starts no flow passes: it waits for nothing.
    if wait is not None and event_starts.list_flows_of_event(trigger.org_id, trigger.event_type):
        raise RateLimited(
            "Too many flows of this organization wait for their start: fire the event again later.",
            code="too_many_starts",
            retry_after=wait,
        )


def _marker_of(trigger: Trigger, fired: FiredEvent) -> IdempotencyKey | None:
    """Returns the mark of the sender's id. The body is no part of it: a repetition may have another one."""
    if not fired.delivery:
        return None
    return IdempotencyKey(scope=trigger.id, key=f"{fired.source}#{fired.delivery}", fingerprint="")


def firing_origin(firing: Firing) -> SystemActor:
    """Returns the origin of all that a firing causes: its trigger acts, in a workflow of its own."""
    return SystemActor(
        org_id=firing.org_id,
        actor=Actor(type="trigger", id=firing.trigger_id),
        agent_id=None,
        correlation_id=firing.correlation_id,
    )


def list_firings(org_id: str, trigger_id: str, limit: int, after: str | None) -> tuple[list[Firing], str | None]:
    """Returns a page of a trigger's firings, newest first, and the cursor of the next page. Raises NotFound."""
    service.get_trigger(org_id, trigger_id)
    return firing_store.list_firings(org_id, trigger_id, limit, after)


def get_firing(org_id: str, trigger_id: str, firing_id: str) -> FiringWithBody:
    """Returns a firing with its body. Raises NotFound."""
    service.get_trigger(org_id, trigger_id)
    found = find_firing(org_id, trigger_id, firing_id)
    if found is None:
        raise NotFound("There is no such firing: it is kept for 30 days.")
    return found


def find_reported_firings(places: Sequence[tuple[str, str]]) -> list[ReportedFiring | None]:
    """Returns the firings of up to a hundred pairs of organization and `<trigger>#<firing>`, in their order.

    A firing is `None` if it has expired, or if its trigger is gone.
    """
    keys = [(org_id, *place.split("#")) for org_id, place in places]
    triggers = store.TRIGGERS.get_objects([(org_id, trigger_id) for org_id, trigger_id, _ in keys])
    return [
        _reported(trigger, find_firing(*key)) if trigger else None for key, trigger in zip(keys, triggers, strict=True)
    ]


def _reported(trigger: Trigger, found: FiringWithBody | None) -> ReportedFiring | None:
    if found is None:
        return None
    large = len(texts.dump_json(found.body).encode()) > MAX_REPORTED_BYTES
    body = None if large else found.body
    return ReportedFiring(firing=found.firing, trigger_name=trigger.name, body=body, is_large=large)


def find_firing(org_id: str, trigger_id: str, firing_id: str) -> FiringWithBody | None:
    """Returns a firing with its body, `None` if it has expired. Its trigger may be gone."""
    found = firing_store.get_firing_with_body(org_id, trigger_id, firing_id)
    return FiringWithBody(firing=found[0], body=texts.load_json(found[1])) if found else None
