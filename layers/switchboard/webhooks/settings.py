"""An endpoint's settings: checks them, seals the custom headers, and unseals them."""

from __future__ import annotations

import json
import re
from functools import lru_cache

from switchboard.aws import secret
from switchboard.errors import Invalid
from switchboard.kit import clock
from switchboard.outbound import destination
from switchboard.outbound.reserved_headers import RESERVED_HEADERS
from switchboard.webhooks import event_names, template
from switchboard.webhooks.kinds import WEBHOOK_KINDS
from switchboard.webhooks.models import Endpoint, EndpointSettings, KindName

_MIN_TIMEOUT_MS, MAX_TIMEOUT_MS = 1_000, 60_000
_MAX_HEADERS, _MAX_HEADER_VALUE = 20, 512
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[ -~]*")
#: Headers that the platform sets, beside the headers that the client sets (`outbound.reserved_headers`).
_PLATFORM_HEADERS = re.compile(
    r"webhook-.*|x-(anima|athos|hum)-.*|content-(type|encoding)|user-agent|proxy-.*", re.IGNORECASE
)
_FILTER = re.compile(r"\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?")


def apply_settings(endpoint: Endpoint, settings: EndpointSettings) -> Endpoint:
    """Returns an endpoint with its owner's settings. Raises Invalid."""
    kind = WEBHOOK_KINDS[endpoint.kind]
    headers = _checked_headers(settings.custom_headers)
    timeout = settings.timeout_ms or kind.timeout_ms
    if not _MIN_TIMEOUT_MS <= timeout <= MAX_TIMEOUT_MS:
        raise _invalid("timeoutMs", f"must be {_MIN_TIMEOUT_MS} to {MAX_TIMEOUT_MS} milliseconds")
    attempts = settings.max_attempts or len(kind.schedule)
    if not 1 <= attempts <= len(kind.schedule):
        raise _invalid("maxAttempts", f"must be 1 to {len(kind.schedule)}")
    return endpoint.model_copy(
        update={
            "url": destination.check_url(settings.url),
            "events": settings.events
            if settings.events == endpoint.events
            else _checked(settings.events, endpoint.kind),
            "label": settings.label,
            "description": settings.description,
            "active": settings.active,
            "disabled_reason": None if settings.active else endpoint.disabled_reason or "by its owner",
            "disabled_at": None if settings.active else endpoint.disabled_at or clock.now_iso(),
            "header_names": sorted(headers),
            "sealed_headers": secret.seal(_purpose(endpoint), json.dumps(headers)) if headers else None,
            "timeout_ms": timeout,
            "max_attempts": attempts,
            "template": template.check_template(settings.template) if settings.template else None,
        }
    )


def _checked(filters: list[str], kind: KindName) -> list[str]:
    if not filters:
        raise _invalid("events", "must name at least one event")
    for one in filters:
        if len(one) > 100 or not _FILTER.fullmatch(one):
            raise _invalid("events", "must be event names, prefix.* or *")
        if one != "*" and not event_names.is_known_filter(one, kind):
            raise _invalid("events", f"no event matches {one!r}: use a name of the list of event types, prefix.* or *")
    return list(dict.fromkeys(filters))[:100]


def _checked_headers(headers: dict[str, str]) -> dict[str, str]:
    if len(headers) > _MAX_HEADERS:
        raise _invalid("customHeaders", f"must have at most {_MAX_HEADERS} headers")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or _PLATFORM_HEADERS.fullmatch(name) or name.lower() in RESERVED_HEADERS:
            raise _invalid("customHeaders", f"{name[:100]!r} cannot be set: use another header name")
        if len(value) > _MAX_HEADER_VALUE or not _HEADER_VALUE.fullmatch(value):
            raise _invalid("customHeaders", f"{name}: use at most {_MAX_HEADER_VALUE} printable ASCII characters")
    return headers


def _invalid(field: str, why: str) -> Invalid:
    return Invalid("The webhook is not valid: see the fields.", fields={field: why})


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
