"""Callbacks: endpoints that a single call names (OptiComm's `webhook_url`). The API key's own secret signs them."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from switchboard.aws.writes import Writes
from switchboard.kit import clock
from switchboard.outbound import destination
from switchboard.webhooks import signing, store
from switchboard.webhooks.kinds import WEBHOOK_KINDS
from switchboard.webhooks.models import Endpoint

_KIND = WEBHOOK_KINDS["opticomm"]
#: How long an endpoint stays after a call named it. It covers the call, the retry schedule and the time for which
#: deliveries are kept.
_ENDPOINT_LIFETIME = timedelta(days=90)


class CallbackEndpoint(NamedTuple):
    """A callback's endpoint id, and the writes that create the endpoint if it is missing."""

    id: str
    writes: Writes


def ensure_callback_endpoint(org_id: str, key_id: str, url: str) -> CallbackEndpoint:
    """Returns the endpoint for a key's callbacks to a URL. Raises Invalid if nothing can be sent to the URL.

    All calls of the key that name the URL share the endpoint. A new call activates a disabled endpoint again, and the
    days of failure are counted from that call.
    """
    checked = destination.check_url(url, "webhook_url")
    now, expires = clock.now_iso(), int((clock.now() + _ENDPOINT_LIFETIME).timestamp())
    endpoint = Endpoint(
        id=store.callback_id(org_id, key_id, checked),
        org_id=org_id,
        kind=_KIND.name,
        url=checked,
        key_id=key_id,
        timeout_ms=_KIND.timeout_ms,
        max_attempts=len(_KIND.schedule),
        expires=expires,
        active_since=now,
        created_at=now,
        updated_at=now,
    )
    return CallbackEndpoint(endpoint.id, store.ensure_endpoint_writes(endpoint))


def callback_secret(org_id: str, key_id: str) -> str:
    """The secret that signs a key's callbacks."""
    return signing.secret_of(org_id, key_id)
