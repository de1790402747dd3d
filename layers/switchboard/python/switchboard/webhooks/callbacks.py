"""Callbacks: the endpoint that a single call names (OptiComm's `webhook_url`), signed with its key's own secret."""

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
#: How long an endpoint stays after a call named it: the call, its deliveries' schedule, and as long as they are kept.
_KEPT = timedelta(days=90)


class Callback(NamedTuple):
    """An endpoint, and the writes that make it where it is not there yet."""

    id: str
    writes: Writes


def endpoint_for(org_id: str, key_id: str, url: str) -> Callback:
    """The endpoint of a key's callbacks to a URL. Raises Invalid for a URL that nothing can be sent to.

    All calls of the key that name the URL share it. Naming it again makes one active that was disabled: the days of
    failure that disable it are counted from then on.
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
