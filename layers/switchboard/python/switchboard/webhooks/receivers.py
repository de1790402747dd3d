"""Receivers: what shares one record of answers, one set of slots and one line of waiting deliveries.

A registered endpoint is a receiver of its own. All callbacks of a key to a host (scheme, name and port) are one: a URL
that is another for each call would never be known to be quick.
"""

from __future__ import annotations

from typing import NamedTuple

from switchboard.webhooks.kinds import KINDS

CALLBACK = f"{KINDS['opticomm'].prefix}_"
#: The characters of a callback's id that stand for its key and host, and for its key and URL.
HOST, WHOLE = 10, 16
_SHARED = len(CALLBACK) + HOST


class Receiver(NamedTuple):
    """A receiver of an organization. Its `id` is an endpoint's, or the part that a host's callbacks have in common."""

    org_id: str
    id: str


def receiver_of(org_id: str, endpoint_id: str) -> Receiver:
    """The receiver that an endpoint belongs to."""
    return Receiver(org_id, endpoint_id[:_SHARED] if endpoint_id.startswith(CALLBACK) else endpoint_id)
