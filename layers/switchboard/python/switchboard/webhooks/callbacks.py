"""Callbacks: endpoints that a single call names (OptiComm's `webhook_url`). The API key's own secret signs them."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from switchboard.aws import clock
from switchboard.aws.table import Writes
from switchboard.outbound import destination
from switchboard.webhooks import signing, store
from switchboard.webhooks.kinds import KINDS
from switchboard.webhooks.models import Endpoint

_KIND = KINDS["opticomm"]
#: How long an endpoint stays after a call named it. It covers the call, the retry schedule and the time for which
#: deliveries are kept.
_KEPT = timedelta(days=90)


class Callback(NamedTuple):
    """A callback's endpoint id, and the writes that create the endpoint if it is missing."""

    id: str
    writes: Writes


def endpoint_for(org_id: str, key_id: str, url: str) -> Callback:
    """Returns the endpoint for a key's callbacks to a URL. Raises Invalid if nothing can be sent to the URL.

    All calls of the key that name the URL share the endpoint. A new call activates a disabled endpoint again, and the
    days of failure are counted from that call.
    """
    checked = destination.check(url)
    now, expires = clock.stamp(), int((clock.now() + _KEPT).timestamp())
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
    return Callback(endpoint.id, store.ensure(endpoint))


def secret_of(org_id: str, key_id: str) -> str:
    """The secret that signs a key's callbacks."""
    return signing.secret_of(org_id, key_id)
