"""Receivers: endpoints that share one health record, one set of slots and one line of waiting deliveries.

A registered endpoint is a receiver of its own. All callbacks of a key to a host (scheme, name and port) are one
receiver: callback URLs often differ for each call, so a single URL would never gain a record of quick responses.
"""

from __future__ import annotations

from typing import NamedTuple

from switchboard.webhooks.kinds import WEBHOOK_KINDS

CALLBACK = f"{WEBHOOK_KINDS['opticomm'].prefix}_"
#: How many characters of a callback's id identify its key and host, and how many its key and URL.
HOST, WHOLE = 10, 16
_SHARED = len(CALLBACK) + HOST


class WebhookReceiver(NamedTuple):
    """A receiver of an organization. `id` is an endpoint's id, or the id prefix that a host's callbacks share."""

    org_id: str
    id: str


def receiver_of(org_id: str, endpoint_id: str) -> WebhookReceiver:
    """The receiver that an endpoint belongs to."""
    return WebhookReceiver(org_id, endpoint_id[:_SHARED] if endpoint_id.startswith(CALLBACK) else endpoint_id)
