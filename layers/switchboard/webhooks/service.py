"""Registers endpoints, rotates their secrets, and sends deliveries again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from switchboard.accounts import organizations
from switchboard.aws.writes import Writes
from switchboard.errors import NotFound
from switchboard.events import service as events
from switchboard.events.models import Actor, Origin, Subject, SystemActor
from switchboard.kit import clock, ids
from switchboard.persistence import cursors
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import IdempotencyKey, commit_once, find_earlier_effect
from switchboard.persistence.optimistic import Decision, retry_on_conflict
from switchboard.timers import service as timers
from switchboard.webhooks import (
    health_store,
    host_limits,
    settings,
    signing,
    store,
)
from switchboard.webhooks.catalog import EventCatalog
from switchboard.webhooks.jobs import AbandonDeliveries
from switchboard.webhooks.kinds import WEBHOOK_KINDS
from switchboard.webhooks.models import (
    Endpoint,
    EndpointSettings,
    KindName,
    ReceiverHealth,
)
from switchboard.webhooks.receivers import receiver_of

#: How many endpoints an organization may register. A batch of its events reads all of them.
MAX_ENDPOINTS = 50
#: An endpoint is disabled when all of several deliveries have failed for this long (`ReceiverHealth.failing_for`), with
#: no silence longer than `schedule.MAX_PAUSE`.
DISABLED_AFTER = timedelta(days=5)
#: How long the old secret also signs after a rotation.
SECRET_OVERLAP = timedelta(hours=24)
#: How many older secrets may sign beside the last two. Each of them makes every delivery's headers longer.
MAX_RETIRING_SECRETS = 6


class EndpointWithSecret(NamedTuple):
    """An endpoint and its secret. Only this response shows the secret."""

    endpoint: Endpoint
    secret: str


class EndpointWithHealth(NamedTuple):
    """An endpoint and its health."""

    endpoint: Endpoint
    health: ReceiverHealth


def create_endpoint(
    origin: Origin,
    kind: KindName,
    wanted: EndpointSettings,
    effect: IdempotencyKey | None = None,
    catalog: EventCatalog | None = None,
) -> EndpointWithSecret:
    """Registers an endpoint. A `catalog` also checks the paths of its template. Raises Invalid, QuotaExceeded."""
    now = clock.now_iso()
    endpoint = Endpoint(
        id=f"{WEBHOOK_KINDS[kind].prefix}_{ids.new_id('x')[2:]}",
        org_id=origin.org_id,
        kind=kind,
        url="",
        timeout_ms=WEBHOOK_KINDS[kind].timeout_ms,
        max_attempts=len(WEBHOOK_KINDS[kind].schedule),
        created_at=now,
        updated_at=now,
    )
    endpoint = settings.apply_settings(endpoint, wanted, catalog)
    endpoint = endpoint.model_copy(update={"counted_host": host_limits.digest_of_host(endpoint.url)})
    done = commit_once(
        effect,
        endpoint.id,
        organizations.one_more_write(
            origin.org_id, "webhooks", MAX_ENDPOINTS, things="webhooks", advice="delete a webhook", code="webhook_limit"
        ),
        host_limits.move_writes(origin.org_id, None, endpoint.counted_host),
        store.ENDPOINTS.create_write(endpoint),
        webhook_event_writes(origin, endpoint, "webhook.created"),
    )
    if done:
        endpoint = get_endpoint(origin.org_id, done.subject_id).endpoint
    return EndpointWithSecret(endpoint, signing.secret_of(endpoint.org_id, endpoint.id, 1))


def get_endpoint(org_id: str, endpoint_id: str, kind: KindName | None = None) -> EndpointWithHealth:
    """Returns an endpoint of the organization, of one kind if given, with its health. Raises NotFound."""
    endpoint, health = health_store.get_endpoint_with_health(org_id, endpoint_id)
    if endpoint is None or kind not in (None, endpoint.kind):
        raise NotFound("There is no such webhook: check its id.")
    return EndpointWithHealth(endpoint, health)


def _owned(org_id: str, endpoint_id: str, kind: KindName | None) -> EndpointWithHealth:
    """Returns a registered endpoint. A callback's endpoint raises NotFound: its secret and settings cannot change."""
    seen = get_endpoint(org_id, endpoint_id, kind)
    if seen.endpoint.key_id:
        raise NotFound("There is no such webhook: check its id.")
    return seen


def list_endpoints(
    org_id: str, kind: KindName | None, limit: int, after: str | None
) -> tuple[list[EndpointWithHealth], str | None]:
    """A page of the organization's endpoints, newest first, and the cursor of the next page."""
    query = f"webhooks:{kind}"
    start = cursors.decode_cursor(after, org_id, query)
    # Read all endpoints, since they are few. So endpoints of another kind do not shorten a page.
    found = [one for one in reversed(store.list_subscriptions(org_id)) if kind in (None, one.kind)]
    found = [one for one in found if start is None or one.id < start["before"]]
    shown, more = found[:limit], len(found) > limit
    health = health_store.get_many_healths([receiver_of(org_id, endpoint.id) for endpoint in shown])
    seen = [EndpointWithHealth(*pair) for pair in zip(shown, health, strict=True)]
    return seen, cursors.encode_cursor({"before": shown[-1].id}, org_id, query) if more else None


def update_endpoint(
    origin: Origin,
    endpoint_id: str,
    changes: dict[str, Any],
    effect: IdempotencyKey | None = None,
    *,
    kind: KindName | None = None,
    catalog: EventCatalog | None = None,
) -> EndpointWithHealth:
    """Changes some settings of an endpoint, of one kind if given. A `catalog` also checks the paths of its template.

    Activation of a disabled endpoint, or a new URL, resets its failures and its record of quick responses.
    Raises NotFound, Invalid, QuotaExceeded, Contended.
    """

    def attempt() -> EndpointWithHealth:
        seen = _owned(origin.org_id, endpoint_id, kind)
        wanted = EndpointSettings.model_validate(settings.settings_of(seen.endpoint).model_dump() | changes)
        changed = next_version(settings.apply_settings(seen.endpoint, wanted, catalog))
        settings.check_kept_headers(seen.endpoint, changed, changes)
        if host_limits.digest_of_host(changed.url) != host_limits.digest_of_host(seen.endpoint.url):
            changed = changed.model_copy(update={"counted_host": host_limits.digest_of_host(changed.url)})
        anew = (changed.active and not seen.endpoint.active) or changed.url != seen.endpoint.url
        done = commit_once(
            effect,
            endpoint_id,
            store.ENDPOINTS.save_write(changed),
            host_limits.move_writes(origin.org_id, seen.endpoint.counted_host, changed.counted_host),
            health_store.reset_results_writes(receiver_of(origin.org_id, endpoint_id)) if anew else None,
            webhook_event_writes(origin, changed, "webhook.updated"),
        )
        return (
            seen
            if done
            else EndpointWithHealth(changed, health_store.without_results(seen.health) if anew else seen.health)
        )

    seen = retry_on_conflict(attempt)
    assert seen is not None
    return seen


def delete_endpoint(
    origin: Origin, endpoint_id: str, effect: IdempotencyKey | None = None, *, kind: KindName | None = None
) -> None:
    """Deletes an endpoint, of one kind if given. A worker then cancels its pending deliveries.

    Raises NotFound, Contended.
    """
    if find_earlier_effect(effect):
        return

    def attempt() -> bool:
        endpoint, health = _owned(origin.org_id, endpoint_id, kind)
        commit_once(
            effect,
            endpoint_id,
            store.ENDPOINTS.delete_write(endpoint),
            timers.cancel_writes(health.watch_timer),
            health_store.delete_health_writes(receiver_of(origin.org_id, endpoint_id)),
            organizations.gauge_write(origin.org_id, "webhooks", -1, None, None),
            host_limits.move_writes(origin.org_id, endpoint.counted_host, None),
            webhook_event_writes(origin, endpoint, "webhook.deleted"),
            timers.job_write(AbandonDeliveries(org_id=origin.org_id, endpoint_id=endpoint_id)),
        )
        return True

    retry_on_conflict(attempt)


def rotate_endpoint_secret(
    origin: Origin, endpoint_id: str, effect: IdempotencyKey | None = None, *, kind: KindName | None = None
) -> EndpointWithSecret:
    """Gives an endpoint, of one kind if given, a new secret.

    The old secret also signs for 24 hours, even if the next rotation is earlier.

    Raises NotFound, Contended.
    """

    def attempt() -> EndpointWithSecret:
        endpoint = _owned(origin.org_id, endpoint_id, kind).endpoint
        generation = endpoint.generation + 1
        rotated = next_version(
            endpoint,
            generation=generation,
            overlap_until=clock.format_iso(clock.now() + SECRET_OVERLAP),
            retiring=_retiring(endpoint),
        )
        done = commit_once(
            effect,
            str(generation),
            store.ENDPOINTS.save_write(rotated),
            webhook_event_writes(origin, rotated, "webhook.secret_rotated", generation=generation),
        )
        if done:
            rotated, generation = endpoint, int(done.subject_id)
        return EndpointWithSecret(rotated, signing.secret_of(origin.org_id, endpoint_id, generation))

    rotated = retry_on_conflict(attempt)
    assert rotated is not None
    return rotated


def _retiring(endpoint: Endpoint) -> dict[int, str]:
    """The older secrets that still sign, by generation, with the end of each. Keeps the newest MAX_RETIRING_SECRETS."""
    ends = dict(endpoint.retiring)
    if endpoint.overlap_until and endpoint.generation > 1:
        ends[endpoint.generation - 1] = endpoint.overlap_until
    alive = sorted(generation for generation, end in ends.items() if end > clock.now_iso())
    return {generation: ends[generation] for generation in alive[-MAX_RETIRING_SECRETS:]}


def disable_endpoint(endpoint: Endpoint, code: str, why: str) -> None:
    """Disables an endpoint for a reason of ours. Does nothing if the endpoint was changed since it was read."""
    origin = SystemActor(
        org_id=endpoint.org_id,
        actor=Actor(type="system", id="webhooks"),
        agent_id=None,
        correlation_id=ids.new_id("corr"),
    )

    def decide(now: Endpoint) -> Decision[Endpoint]:
        if now.version != endpoint.version or not now.active:
            return None
        disabled = next_version(now, active=False, disabled_reason=why, disabled_at=clock.now_iso(), active_since=None)
        return disabled, webhook_event_writes(origin, disabled, "webhook.disabled", reason=code)

    store.ENDPOINTS.change_object(endpoint.org_id, endpoint.id, decide)


def webhook_event_writes(origin: Origin, endpoint: Endpoint, type_: str, **data: Any) -> Writes:
    subject = Subject(type="webhook", id=endpoint.id, version=endpoint.version)
    return events.new_event_write(origin, type_, subject, kind=endpoint.kind, active=endpoint.active, **data)
