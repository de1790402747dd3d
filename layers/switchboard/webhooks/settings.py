"""An endpoint's settings: checks them, seals the custom headers, and unseals them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic.alias_generators import to_camel

from switchboard.aws import secret
from switchboard.errors import Invalid
from switchboard.kit import clock
from switchboard.outbound import destination
from switchboard.outbound.reserved_headers import RESERVED_HEADERS
from switchboard.webhooks import event_names, template
from switchboard.webhooks.catalog import EventCatalog
from switchboard.webhooks.kinds import WEBHOOK_KINDS
from switchboard.webhooks.models import Endpoint, EndpointSettings, KindName

_MIN_TIMEOUT_MS, MAX_TIMEOUT_MS = 1_000, 60_000
_MAX_HEADERS, _MAX_HEADER_VALUE = 20, 512
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[ -~]*")
#: Headers that the platform sets, beside the headers that the client sets (`outbound.reserved_headers`).
_PLATFORM_HEADERS = re.compile(
    r"webhook-.*|x-(anima|athos|hum|switchboard)-.*|content-(type|encoding)|user-agent|proxy-.*", re.IGNORECASE
)
_FILTER = re.compile(r"\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?")


def apply_settings(endpoint: Endpoint, settings: EndpointSettings, catalog: EventCatalog | None = None) -> Endpoint:
    """Returns an endpoint with its owner's settings. Raises Invalid.

    With a `catalog`, each placeholder of the template must have a value in an event that the endpoint subscribes to.
    """
    kind = WEBHOOK_KINDS[endpoint.kind]
    headers = _checked_headers(settings.custom_headers, endpoint.kind)
    timeout = settings.timeout_ms or kind.timeout_ms
    if not _MIN_TIMEOUT_MS <= timeout <= MAX_TIMEOUT_MS:
        raise _invalid(endpoint.kind, "timeout_ms", f"must be {_MIN_TIMEOUT_MS} to {MAX_TIMEOUT_MS} milliseconds")
    attempts = settings.max_attempts or len(kind.schedule)
    if not 1 <= attempts <= len(kind.schedule):
        raise _invalid(endpoint.kind, "max_attempts", f"must be 1 to {len(kind.schedule)}")
    events = settings.events
    if events != endpoint.events:
        events = check_filters(events, endpoint.kind)
    if settings.template and (events, settings.template) != (endpoint.events, endpoint.template):
        template.check_template(settings.template, catalog.list_schemas(events) if catalog else None)
    return endpoint.model_copy(
        update={
            "url": destination.check_url(settings.url),
            "events": events,
            "label": settings.label,
            "description": settings.description,
            "active": settings.active,
            "disabled_reason": None if settings.active else endpoint.disabled_reason or "by its owner",
            "disabled_at": None if settings.active else endpoint.disabled_at or clock.now_iso(),
            "header_names": sorted(headers),
            "sealed_headers": secret.seal(_purpose(endpoint), json.dumps(headers)) if headers else None,
            "timeout_ms": timeout,
            "max_attempts": attempts,
            "template": settings.template or None,
        }
    )


def check_filters(filters: Sequence[str], kind: KindName) -> list[str]:
    """Returns the filters of events, each once. Raises Invalid for a filter that matches no event."""
    if not filters:
        raise _invalid(kind, "events", "must name at least one event")
    for one in filters:
        if len(one) > 100 or not _FILTER.fullmatch(one):
            raise _invalid(kind, "events", f"{one[:100]!r}: must be an event name, prefix.* or *")
        if one != "*" and not event_names.is_known_filter(one, kind):
            raise _invalid(kind, "events", f"no event matches {one!r}: {_advice(one, kind)}")
    return list(dict.fromkeys(filters))[:100]


def _advice(one: str, kind: KindName) -> str:
    if found := event_names.suggest_filter(one, kind):
        return f"did you mean {found}?"
    return "use a name of the list of event types, prefix.* or *"


def _checked_headers(headers: dict[str, str], kind: KindName) -> dict[str, str]:
    if len(headers) > _MAX_HEADERS:
        raise _invalid(kind, "custom_headers", f"must have at most {_MAX_HEADERS} headers")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or _PLATFORM_HEADERS.fullmatch(name) or name.lower() in RESERVED_HEADERS:
            raise _invalid(kind, "custom_headers", f"{name[:100]!r} cannot be set: use another header name")
        if len(value) > _MAX_HEADER_VALUE or not _HEADER_VALUE.fullmatch(value):
            why = f"{name}: use at most {_MAX_HEADER_VALUE} printable ASCII characters"
            raise _invalid(kind, "custom_headers", why)
    return headers


def check_kept_headers(before: Endpoint, after: Endpoint, changes: Mapping[str, Any]) -> None:
    """Raises Invalid if a change would send the stored headers to another server than the one they were stored for.

    Nobody can read the values of stored headers. Without this rule, a member could have them sent to a server of their
    own. The path counts too, because a host may have many customers.
    """
    if before.sealed_headers is None or "custom_headers" in changes:
        return
    if before.url != after.url:
        raise _invalid(before.kind, "custom_headers", "must be sent again, because url changes who gets them")


def _invalid(kind: KindName, field: str, why: str) -> Invalid:
    # The bodies of HUM have snake_case names, those of Anima camelCase.
    shown = field if kind == "hum" else to_camel(field)
    return Invalid("The webhook is not valid: see the fields.", fields={shown: why})


def _purpose(endpoint: Endpoint) -> str:
    return f"webhook headers\x1f{endpoint.org_id}\x1f{endpoint.id}"


def custom_headers(endpoint: Endpoint) -> dict[str, str]:
    """The endpoint's custom headers, unsealed."""
    if endpoint.sealed_headers is None:
        return {}
    found: dict[str, str] = json.loads(_unsealed(_purpose(endpoint), endpoint.sealed_headers))
    return found


@lru_cache(maxsize=1_000)
def _unsealed(purpose: str, sealed: str) -> str:
    return secret.unseal(purpose, sealed)


def clear_unsealed_headers() -> None:
    """Clears the cache of unsealed headers, for tests that change the root secret."""
    _unsealed.cache_clear()


def settings_of(endpoint: Endpoint) -> EndpointSettings:
    """Returns the current settings of an endpoint, so that a change of some fields keeps the others."""
    return EndpointSettings(
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
