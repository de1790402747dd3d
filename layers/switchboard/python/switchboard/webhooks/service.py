"""Registers endpoints, rotates their secrets, and sends deliveries again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from switchboard.accounts import service as accounts
from switchboard.aws import clock, cursor, ids
from switchboard.aws.effect import Effect, commit_once, done_before
from switchboard.aws.table import Item, Writes
from switchboard.errors import Conflict, NotFound, QuotaExceeded
from switchboard.events import service as events
from switchboard.events.models import Actor, Origin, Subject, Work
from switchboard.kit.change import Change, again
from switchboard.kit.collection import moved
from switchboard.timers import service as timers
from switchboard.webhooks import (
    catalogue,
    delivery_store,
    dispatch,
    health_store,
    parking,
    recovery,
    settings,
    signing,
    store,
)
from switchboard.webhooks.jobs import AbandonDeliveries, RecoverDeliveries
from switchboard.webhooks.kinds import KINDS
from switchboard.webhooks.models import Delivery, Endpoint, Health, KindName, Rendered, Settings, Status
from switchboard.webhooks.receivers import receiver_of

#: How many endpoints an organization may register. A batch of its events reads all of them.
MAX_ENDPOINTS = 50
#: An endpoint is disabled when all of several deliveries have failed for this long (`Health.failing_for`), with no
#: silence longer than `schedule.LONGEST_PAUSE`.
DISABLED_AFTER = timedelta(days=5)
#: How long the old secret also signs after a rotation.
OVERLAP = timedelta(hours=24)
#: How many older secrets may sign beside the last two. Each of them makes every delivery's headers longer.
MOST_RETIRING = 6


class NewEndpoint(NamedTuple):
    """An endpoint and its secret. Only this response shows the secret."""

    endpoint: Endpoint
    secret: str


class Seen(NamedTuple):
    """An endpoint and its health."""

    endpoint: Endpoint
    health: Health


def register(origin: Origin, kind: KindName, wanted: Settings, effect: Effect | None = None) -> NewEndpoint:
    """Register an endpoint. Raises Invalid, QuotaExceeded."""
    now = clock.stamp()
    endpoint = Endpoint(
        id=f"{KINDS[kind].prefix}_{ids.new('x')[2:]}",
        org_id=origin.org_id,
        kind=kind,
        url="",
        timeout_ms=KINDS[kind].timeout_ms,
        max_attempts=len(KINDS[kind].schedule),
        created_at=now,
        updated_at=now,
    )
    endpoint = settings.applied(endpoint, wanted)
    done = commit_once(
        effect,
        endpoint.id,
        accounts.counting(origin.org_id, "webhooks", 1, MAX_ENDPOINTS, _full),
        store.ENDPOINTS.put(endpoint),
        _event(origin, endpoint, "webhook.created"),
    )
    if done:
        endpoint = get(origin.org_id, done.subject_id).endpoint
    return NewEndpoint(endpoint, signing.secret_of(endpoint.org_id, endpoint.id, 1))


def _full(_: list[Item | None]) -> Exception:
    return QuotaExceeded(
        f"The organization has {MAX_ENDPOINTS} webhooks, which is the limit: delete a webhook first.",
        code="webhook_limit",
        resource="webhooks",
        current=MAX_ENDPOINTS,
        cap=MAX_ENDPOINTS,
    )


def get(org_id: str, endpoint_id: str) -> Seen:
    """Returns an endpoint of the organization, with its health. Raises NotFound."""
    endpoint, health = health_store.with_endpoint(org_id, endpoint_id)
    if endpoint is None:
        raise NotFound("There is no such webhook.")
    return Seen(endpoint, health)


def _owned(org_id: str, endpoint_id: str) -> Seen:
    """Returns a registered endpoint. A callback's endpoint raises NotFound: its secret and settings cannot change."""
    seen = get(org_id, endpoint_id)
    if seen.endpoint.key_id:
        raise NotFound("There is no such webhook.")
    return seen


def listing(org_id: str, kind: KindName | None, limit: int, after: str | None) -> tuple[list[Seen], str | None]:
    """A page of the organization's endpoints, newest first, and the cursor of the next page."""
    query = f"webhooks:{kind}"
    start = cursor.read(after, org_id, query)
    # Read all endpoints, since they are few. So endpoints of another kind do not shorten a page.
    found = [one for one in reversed(store.subscriptions(org_id)) if kind in (None, one.kind)]
    found = [one for one in found if start is None or one.id < start["before"]]
    shown, more = found[:limit], len(found) > limit
    health = health_store.get_many([receiver_of(org_id, endpoint.id) for endpoint in shown])
    seen = [Seen(*pair) for pair in zip(shown, health, strict=True)]
    return seen, cursor.write({"before": shown[-1].id}, org_id, query) if more else None


def change(origin: Origin, endpoint_id: str, changes: dict[str, Any], effect: Effect | None = None) -> Seen:
    """Change some settings of an endpoint. Raises NotFound, Invalid, Contended.

    Activation of a disabled endpoint, or a new URL, resets its failures and its record of quick responses.
    """

    def attempt() -> Seen:
        seen = _owned(origin.org_id, endpoint_id)
        wanted = Settings.model_validate(settings.settings_of(seen.endpoint).model_dump() | changes)
        changed = moved(settings.applied(seen.endpoint, wanted))
        anew = (changed.active and not seen.endpoint.active) or changed.url != seen.endpoint.url
        done = commit_once(
            effect,
            endpoint_id,
            store.ENDPOINTS.save(changed),
            health_store.forget_record(receiver_of(origin.org_id, endpoint_id)) if anew else None,
            _event(origin, changed, "webhook.updated"),
        )
        return seen if done else Seen(changed, health_store.without_record(seen.health) if anew else seen.health)

    seen = again(attempt)
    assert seen is not None
    return seen


def remove(origin: Origin, endpoint_id: str, effect: Effect | None = None) -> None:
    """Delete an endpoint. A worker then cancels its pending deliveries. Raises NotFound, Contended."""
    if done_before(effect):
        return

    def attempt() -> bool:
        endpoint, health = _owned(origin.org_id, endpoint_id)
        commit_once(
            effect,
            endpoint_id,
            store.delete_endpoint(endpoint),
            timers.moot(health.watch_timer),
            health_store.forget(receiver_of(origin.org_id, endpoint_id)),
            accounts.counting(origin.org_id, "webhooks", -1, None, None),
            _event(origin, endpoint, "webhook.deleted"),
            timers.soon(AbandonDeliveries(org_id=origin.org_id, endpoint_id=endpoint_id)),
        )
        return True

    again(attempt)


def rotate(origin: Origin, endpoint_id: str, effect: Effect | None = None) -> NewEndpoint:
    """Give an endpoint a new secret. The old secret also signs for 24 hours, even if the next rotation is earlier.

    Raises NotFound, Contended.
    """

    def attempt() -> NewEndpoint:
        endpoint = _owned(origin.org_id, endpoint_id).endpoint
        generation = endpoint.generation + 1
        rotated = moved(
            endpoint,
            generation=generation,
            overlap_until=clock.iso(clock.now() + OVERLAP),
            retiring=_retiring(endpoint),
        )
        done = commit_once(
            effect,
            str(generation),
            store.ENDPOINTS.save(rotated),
            _event(origin, rotated, "webhook.secret_rotated", generation=generation),
        )
        if done:
            rotated, generation = endpoint, int(done.subject_id)
        return NewEndpoint(rotated, signing.secret_of(origin.org_id, endpoint_id, generation))

    rotated = again(attempt)
    assert rotated is not None
    return rotated


def _retiring(endpoint: Endpoint) -> dict[int, str]:
    """The older secrets that still sign, by generation, with the end of each. Keeps the newest MOST_RETIRING."""
    ends = dict(endpoint.retiring)
    if endpoint.overlap_until and endpoint.generation > 1:
        ends[endpoint.generation - 1] = endpoint.overlap_until
    alive = sorted(generation for generation, end in ends.items() if end > clock.stamp())
    return {generation: ends[generation] for generation in alive[-MOST_RETIRING:]}


def disable(endpoint: Endpoint, code: str, why: str) -> None:
    """Disable an endpoint for a reason of ours. Does nothing if the endpoint was changed since it was read."""
    origin = Work(
        org_id=endpoint.org_id,
        actor=Actor(type="system", id="webhooks"),
        agent_id=None,
        correlation_id=ids.new("corr"),
    )

    def decide(now: Endpoint) -> Change[Endpoint]:
        if now.version != endpoint.version or not now.active:
            return None
        disabled = moved(now, active=False, disabled_reason=why, disabled_at=clock.stamp(), active_since=None)
        return disabled, _event(origin, disabled, "webhook.disabled", reason=code)

    store.ENDPOINTS.change(endpoint.org_id, endpoint.id, decide)


def send_test(origin: Origin, endpoint_id: str, effect: Effect | None = None) -> Delivery:
    """Send an endpoint a test delivery. Raises NotFound, and Conflict if the endpoint is not active."""
    endpoint = _active(origin.org_id, endpoint_id, watched=True)
    event = events.of(origin, catalogue.TEST, Subject(type="webhook", id=endpoint.id, version=1), kind=endpoint.kind)
    body: dict[str, Any] = {"event": catalogue.TEST, "occurredAt": event.at, "webhookId": endpoint.id, "sequence": 1}
    rendered = Rendered(event=catalogue.TEST, body=body, sequence=1, key=event.id)
    delivery = dispatch.delivery_of(endpoint, rendered, event)
    first = timers.soon(dispatch.attempt_of(delivery))
    done = commit_once(effect, delivery.id, delivery_store.put(delivery), first, events.record(event))
    return find_delivery(origin.org_id, done.subject_id) if done else delivery


def _active(org_id: str, endpoint_id: str, *, watched: bool = False) -> Endpoint:
    """Returns an active endpoint. With `watched`, arranges a watch, because the caller stores a pending delivery."""
    endpoint, health = get(org_id, endpoint_id)
    if not endpoint.active:
        raise Conflict("The webhook is disabled: set `active` to true first.", code="webhook_disabled")
    if watched:
        parking.watch_endpoint(org_id, endpoint_id, health)
    return endpoint


def find_delivery(org_id: str, delivery_id: str) -> Delivery:
    """Returns a delivery of the organization. Raises NotFound."""
    found = delivery_store.get(org_id, delivery_id)
    if found is None:
        raise NotFound("There is no such delivery.")
    return found


def deliveries(
    org_id: str, endpoint_id: str, status: Status | None, limit: int, after: str | None
) -> tuple[list[Delivery], str | None]:
    """A page of an endpoint's deliveries, newest first. Raises NotFound."""
    get(org_id, endpoint_id)
    page = delivery_store.page(org_id, endpoint_id, status, limit, after)
    return [delivery_store.read(item) for item in page.items], page.cursor


def dead_letters(org_id: str, limit: int, after: str | None) -> tuple[list[Delivery], str | None]:
    """A page of the organization's lost deliveries, newest first: they failed, or their endpoint was disabled."""
    page = delivery_store.dead_letters(org_id, limit, after)
    return [delivery_store.read(item) for item in page.items], page.cursor


def redeliver(origin: Origin, delivery_id: str, effect: Effect | None = None) -> Delivery:
    """Send a completed or stuck delivery again, with the whole retry schedule and the same id.

    A stuck delivery is long overdue because its job was lost. Raises NotFound, and Conflict if the delivery is still
    pending or its endpoint is not active.
    """
    delivery = find_delivery(origin.org_id, delivery_id)
    if done_before(effect):
        return delivery
    if delivery.status is Status.PENDING and not recovery.is_stuck(delivery):
        raise Conflict("The delivery is still pending: wait until it is over.", code="delivery_pending")
    _active(origin.org_id, delivery.endpoint_id, watched=True)
    subject = Subject(type="webhook_delivery", id=delivery.id)
    event = events.of(origin, "webhook.redelivered", subject, webhook_id=delivery.endpoint_id)
    commit_once(effect, delivery.id, recovery.set_off_writes(delivery), events.record(event))
    return find_delivery(origin.org_id, delivery_id)


def recover(origin: Origin, endpoint_id: str, since: str, effect: Effect | None = None) -> None:
    """Send an endpoint's lost deliveries that were created since a time again. A worker does this later.

    Lost deliveries failed, were pending when the endpoint was disabled, or are stuck because their job was lost.
    Events that happen while the endpoint is disabled create no deliveries, so they are not sent later.

    Raises NotFound, and Conflict if the endpoint is not active.
    """
    endpoint = _active(origin.org_id, endpoint_id)
    job = RecoverDeliveries(org_id=origin.org_id, endpoint_id=endpoint_id, since=since, until=clock.stamp())
    event = _event(origin, endpoint, "webhook.recovery_started", since=since)
    commit_once(effect, endpoint_id, timers.soon(job), event)


def _event(origin: Origin, endpoint: Endpoint, type_: str, **data: Any) -> Writes:
    subject = Subject(type="webhook", id=endpoint.id, version=endpoint.version)
    return events.record(events.of(origin, type_, subject, kind=endpoint.kind, active=endpoint.active, **data))
