"""Webhooks: registering endpoints, rotating their secrets, and asking for deliveries again."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple

from switchboard.accounts import service as accounts
from switchboard.aws import clock, cursor, ids, secret, table
from switchboard.aws.effect import AlreadyDone, Effect
from switchboard.aws.table import ConditionFailedError, Item, Writes, commit
from switchboard.errors import Conflict, Invalid, NotFound, QuotaExceeded
from switchboard.events import service as events
from switchboard.events.models import Actor, Origin, Subject, Work
from switchboard.outbound import destination
from switchboard.timers import service as timers
from switchboard.webhooks import catalogue, dispatch, signing, store, template
from switchboard.webhooks.jobs import RecoverDeliveries
from switchboard.webhooks.kinds import KINDS
from switchboard.webhooks.models import Delivery, Endpoint, Health, KindName, Rendered, Settings, Status

#: How many subscriptions an organisation may have: all are read at every event.
MAX_ENDPOINTS = 50
#: After so long of failure only an endpoint is disabled.
DISABLED_AFTER = timedelta(days=5)
#: How long the secret before a rotation signs along.
OVERLAP = timedelta(hours=24)
_MIN_TIMEOUT_MS, _MAX_TIMEOUT_MS = 1_000, 60_000
_MAX_HEADERS, _MAX_HEADER_VALUE = 20, 512
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[ -~]*")
#: Headers that are ours to set.
_OURS = re.compile(
    r"(webhook-.*|x-(anima|athos|hum)-.*|host|content-(length|type|encoding)|transfer-encoding|connection|user-agent"
    r"|te|trailer|upgrade|expect|keep-alive|proxy-.*)",
    re.IGNORECASE,
)
_FILTER = re.compile(r"\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?")


class NewEndpoint(NamedTuple):
    """An endpoint and its secret, which is shown in this answer only."""

    endpoint: Endpoint
    secret: str


class Seen(NamedTuple):
    """An endpoint, and how it has been answering."""

    endpoint: Endpoint
    health: Health


def register(origin: Origin, kind: KindName, settings: Settings, effect: Effect | None = None) -> NewEndpoint:
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
    endpoint = _with(endpoint, settings)
    try:
        commit(
            effect.marker(endpoint.id) if effect else None,
            accounts.counting(origin.org_id, "webhooks", 1, MAX_ENDPOINTS, _full),
            store.put_endpoint(endpoint),
            _event(origin, endpoint, "webhook.created"),
        )
    except AlreadyDone as done:
        endpoint = get(origin.org_id, done.subject_id).endpoint
    return NewEndpoint(endpoint, signing.secret_of(endpoint.org_id, endpoint.id, 1))


def _full(_: list[Item | None]) -> Exception:
    return QuotaExceeded(
        f"An organisation has at most {MAX_ENDPOINTS} webhooks.",
        code="webhook_limit",
        resource="webhooks",
        current=MAX_ENDPOINTS,
        cap=MAX_ENDPOINTS,
    )


def _with(endpoint: Endpoint, settings: Settings) -> Endpoint:
    """An endpoint with what its owner says. Raises Invalid."""
    kind = KINDS[endpoint.kind]
    headers = _checked_headers(settings.custom_headers)
    timeout = settings.timeout_ms or kind.timeout_ms
    if not _MIN_TIMEOUT_MS <= timeout <= _MAX_TIMEOUT_MS:
        raise _invalid("timeoutMs", f"takes {_MIN_TIMEOUT_MS} to {_MAX_TIMEOUT_MS} milliseconds")
    attempts = settings.max_attempts or len(kind.schedule)
    if not 1 <= attempts <= len(kind.schedule):
        raise _invalid("maxAttempts", f"takes 1 to {len(kind.schedule)}")
    return endpoint.model_copy(
        update={
            "url": destination.check(settings.url),
            "events": _checked_events(settings.events),
            "label": settings.label,
            "description": settings.description,
            "active": settings.active,
            "disabled_reason": None if settings.active else endpoint.disabled_reason or "by its owner",
            "disabled_at": None if settings.active else endpoint.disabled_at or clock.stamp(),
            "header_names": sorted(headers),
            "sealed_headers": secret.seal(_purpose(endpoint), json.dumps(headers)) if headers else None,
            "timeout_ms": timeout,
            "max_attempts": attempts,
            "template": template.check(settings.template) if settings.template else None,
        }
    )


def _checked_events(filters: list[str]) -> list[str]:
    if not filters:
        raise _invalid("events", "names no event")
    for one in filters:
        if len(one) > 100 or not _FILTER.fullmatch(one):
            raise _invalid("events", "takes names, prefix.* and *")
    return list(dict.fromkeys(filters))[:100]


def _checked_headers(headers: dict[str, str]) -> dict[str, str]:
    if len(headers) > _MAX_HEADERS:
        raise _invalid("customHeaders", f"takes at most {_MAX_HEADERS}")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or _OURS.fullmatch(name):
            raise _invalid("customHeaders", f"{name[:100]!r} is no header that you may set")
        if len(value) > _MAX_HEADER_VALUE or not _HEADER_VALUE.fullmatch(value):
            raise _invalid("customHeaders", f"{name}: takes up to {_MAX_HEADER_VALUE} printable ASCII characters")
    return headers


def _invalid(field: str, why: str) -> Invalid:
    return Invalid("The webhook is not valid.", fields={field: why})


def _purpose(endpoint: Endpoint) -> str:
    return f"webhook headers\x1f{endpoint.org_id}\x1f{endpoint.id}"


def custom_headers(endpoint: Endpoint) -> dict[str, str]:
    """The headers that an endpoint's owner wants sent along."""
    if endpoint.sealed_headers is None:
        return {}
    found: dict[str, str] = json.loads(secret.unseal(_purpose(endpoint), endpoint.sealed_headers))
    return found


def get(org_id: str, endpoint_id: str) -> Seen:
    """The organisation's endpoint of that id. Raises NotFound."""
    endpoint, health = store.with_health([(org_id, endpoint_id)])[(org_id, endpoint_id)]
    if endpoint is None:
        raise NotFound("There is no such webhook.")
    return Seen(endpoint, health)


def _owned(org_id: str, endpoint_id: str) -> Seen:
    """An endpoint that its owner registered. Of a callback's neither secret nor settings are its own to change."""
    seen = get(org_id, endpoint_id)
    if seen.endpoint.key_id:
        raise NotFound("There is no such webhook.")
    return seen


def listing(org_id: str, kind: KindName | None, limit: int, after: str | None) -> tuple[list[Seen], str | None]:
    """A page of the organisation's endpoints, newest first, and the cursor of the next."""
    page = store.page(org_id, limit, cursor.read(after, org_id, "webhooks"))
    found = [store.read_endpoint(item) for item in page.items]
    found = [endpoint for endpoint in found if kind in (None, endpoint.kind)]
    health = store.health(org_id, [endpoint.id for endpoint in found])
    seen = [Seen(*pair) for pair in zip(found, health, strict=True)]
    return seen, cursor.write(page.next_key, org_id, "webhooks")


def settings_of(endpoint: Endpoint) -> Settings:
    """What an endpoint's owner has said of it, for a change of some of it."""
    return Settings(
        url=endpoint.url,
        events=endpoint.events,
        label=endpoint.label,
        description=endpoint.description,
        active=endpoint.active,
        custom_headers=custom_headers(endpoint),
        timeout_ms=endpoint.timeout_ms,
        max_attempts=endpoint.max_attempts,
        template=endpoint.template,
    )


def change(origin: Origin, endpoint_id: str, changes: dict[str, Any], effect: Effect | None = None) -> Seen:
    """Change some of what an endpoint's owner says of it. Raises NotFound, Invalid, Conflict.

    To make one active that was disabled is to forget its failures.
    """
    seen = _owned(origin.org_id, endpoint_id)
    wanted = Settings.model_validate(settings_of(seen.endpoint).model_dump() | changes)
    changed = _next(_with(seen.endpoint, wanted))
    revived = changed.active and not seen.endpoint.active
    forgotten = store.forget_health(origin.org_id, endpoint_id) if revived else None
    try:
        commit(
            effect.marker(endpoint_id) if effect else None,
            store.save_endpoint(changed, _changed_meanwhile),
            forgotten,
            _event(origin, changed, "webhook.updated"),
        )
    except AlreadyDone:
        return get(origin.org_id, endpoint_id)
    return Seen(changed, Health() if revived else seen.health)


def _next(endpoint: Endpoint, **facts: Any) -> Endpoint:
    return endpoint.model_copy(update={**facts, "version": endpoint.version + 1, "updated_at": clock.stamp()})


def _changed_meanwhile(items: list[Item | None]) -> Exception:
    if items[0] is None:
        return NotFound("There is no such webhook.")
    return Conflict("The webhook was changed at the same time; look, and try again.", code="changed_meanwhile")


def remove(origin: Origin, endpoint_id: str, effect: Effect | None = None) -> None:
    """Remove an endpoint; what is still to be delivered to it is given up. Raises NotFound."""
    try:
        if effect:
            effect.require_new()
        endpoint = _owned(origin.org_id, endpoint_id).endpoint
        commit(
            effect.marker(endpoint_id) if effect else None,
            store.delete_endpoint(endpoint, _changed_meanwhile),
            store.forget_health(origin.org_id, endpoint_id),
            accounts.counting(origin.org_id, "webhooks", -1, None, None),
            _event(origin, endpoint, "webhook.deleted"),
        )
    except AlreadyDone:
        return


def rotate(origin: Origin, endpoint_id: str, effect: Effect | None = None) -> NewEndpoint:
    """Give an endpoint a new secret. The old one signs along for 24 hours. Raises NotFound, Conflict."""
    endpoint = _owned(origin.org_id, endpoint_id).endpoint
    generation = endpoint.generation + 1
    rotated = _next(endpoint, generation=generation, overlap_until=clock.iso(clock.now() + OVERLAP))
    try:
        commit(
            effect.marker(str(generation)) if effect else None,
            store.save_endpoint(rotated, _changed_meanwhile),
            _event(origin, rotated, "webhook.secret_rotated", generation=generation),
        )
    except AlreadyDone as done:
        rotated, generation = get(origin.org_id, endpoint_id).endpoint, int(done.subject_id)
    return NewEndpoint(rotated, signing.secret_of(origin.org_id, endpoint_id, generation))


def disable(endpoint: Endpoint, code: str, why: str) -> None:
    """Send an endpoint nothing more, for a reason of ours. Does nothing for one that was changed meanwhile."""
    disabled = _next(endpoint, active=False, disabled_reason=why, disabled_at=clock.stamp())
    origin = Work(
        org_id=endpoint.org_id,
        actor=Actor(type="system", id="webhooks"),
        agent_id=None,
        correlation_id=ids.new("corr"),
    )
    try:
        commit(
            store.save_endpoint(disabled, _changed_meanwhile),
            _event(origin, disabled, "webhook.disabled", reason=code),
        )
    except (Conflict, NotFound):
        return


def send_test(origin: Origin, endpoint_id: str, effect: Effect | None = None) -> Delivery:
    """Send an endpoint a delivery that means nothing. Raises NotFound, Conflict for one that is not active."""
    endpoint = _active(origin.org_id, endpoint_id)
    event = events.of(origin, catalogue.TEST, Subject(type="webhook", id=endpoint.id, version=1), kind=endpoint.kind)
    body: dict[str, Any] = {"event": catalogue.TEST, "occurredAt": event.at, "webhookId": endpoint.id, "sequence": 1}
    rendered = Rendered(event=catalogue.TEST, body=body, sequence=1, key=event.id)
    delivery = dispatch.delivery_of(endpoint, rendered, event)
    try:
        commit(
            effect.marker(delivery.id) if effect else None,
            store.put_delivery(delivery),
            _first_attempt(delivery),
            events.record(event),
        )
    except AlreadyDone as done:
        return find_delivery(origin.org_id, done.subject_id)
    return delivery


def _active(org_id: str, endpoint_id: str) -> Endpoint:
    endpoint = get(org_id, endpoint_id).endpoint
    if not endpoint.active:
        raise Conflict("The webhook is disabled: make it active first.", code="webhook_disabled")
    return endpoint


def _first_attempt(delivery: Delivery) -> Writes:
    return timers.soon(dispatch.attempt_of(delivery))


def find_delivery(org_id: str, delivery_id: str) -> Delivery:
    """The organisation's delivery of that id. Raises NotFound."""
    found = store.get_delivery(org_id, delivery_id)
    if found is None:
        raise NotFound("There is no such delivery.")
    return found


def deliveries(
    org_id: str, endpoint_id: str, status: Status | None, limit: int, after: str | None
) -> tuple[list[Delivery], str | None]:
    """A page of an endpoint's deliveries, newest first. Raises NotFound."""
    get(org_id, endpoint_id)
    query = f"deliveries:{endpoint_id}:{status}"
    page = store.deliveries(org_id, endpoint_id, status, limit, cursor.read(after, org_id, query))
    return [store.read_delivery(item) for item in page.items], cursor.write(page.next_key, org_id, query)


def dead_letters(org_id: str, limit: int, after: str | None) -> tuple[list[Delivery], str | None]:
    """A page of the deliveries that failed for good, newest first."""
    page = store.dead_letters(org_id, None, None, limit, cursor.read(after, org_id, "dead-letters"))
    return [store.read_delivery(item) for item in page.items], cursor.write(page.next_key, org_id, "dead-letters")


def redeliver(origin: Origin, delivery_id: str, effect: Effect | None = None) -> Delivery:
    """Send a delivery that is over once more, by the whole schedule, under the same id.

    Raises NotFound, Conflict for one that is still under way or whose endpoint is not active.
    """
    delivery = find_delivery(origin.org_id, delivery_id)
    if effect:
        try:
            effect.require_new()
        except AlreadyDone:
            return delivery
    if delivery.status is Status.PENDING:
        raise Conflict("The delivery is still under way.", code="delivery_pending")
    _active(origin.org_id, delivery.endpoint_id)
    again = _again(delivery)
    subject = Subject(type="webhook_delivery", id=delivery.id)
    event = events.of(origin, "webhook.redelivered", subject, webhook_id=delivery.endpoint_id)
    with suppress(AlreadyDone):
        commit(effect.marker(delivery.id) if effect else None, again, events.record(event))
    return find_delivery(origin.org_id, delivery_id)


def _again(delivery: Delivery) -> list[Writes]:
    return [
        store.again(delivery, clock.stamp(), lambda _: Conflict("The delivery is under way.", code="delivery_pending")),
        _first_attempt(delivery),
    ]


_RECOVERED_AT_ONCE = 25


def recover(origin: Origin, endpoint_id: str, since: str, effect: Effect | None = None) -> None:
    """Send an endpoint anew all that failed of what was made since a moment. A worker goes through it.

    Raises NotFound, Conflict for an endpoint that is not active.
    """
    endpoint = _active(origin.org_id, endpoint_id)
    job = RecoverDeliveries(org_id=origin.org_id, endpoint_id=endpoint_id, since=since, until=clock.stamp())
    try:
        commit(
            effect.marker(endpoint_id) if effect else None,
            timers.soon(job),
            _event(origin, endpoint, "webhook.recovery_started", since=since),
        )
    except AlreadyDone:
        return


def go_on_recovering(job: RecoverDeliveries) -> None:
    """Send some of the failed deliveries again, and let a job of its own go on with the rest."""
    page = store.dead_letters(job.org_id, job.endpoint_id, job.since, _RECOVERED_AT_ONCE, job.start, forward=True)
    for item in page.items:
        delivery = store.read_delivery(item)
        if delivery.created_at <= job.until and delivery.status is Status.FAILED:
            _recovered(delivery)
    over = page.items and page.items[-1]["created_at"] > job.until
    if page.next_key is not None and not over:
        # By the outbox, not straight to the queue: Lambda stops functions that start themselves sixteen times.
        table.write(timers.soon(job.model_copy(update={"start": page.next_key})))


def _recovered(delivery: Delivery) -> None:
    try:
        commit(_again(delivery))
    except (Conflict, ConditionFailedError):
        return  # somebody set it off already


def _event(origin: Origin, endpoint: Endpoint, type_: str, **data: Any) -> Writes:
    subject = Subject(type="webhook", id=endpoint.id, version=endpoint.version)
    return events.record(events.of(origin, type_, subject, kind=endpoint.kind, active=endpoint.active, **data))
