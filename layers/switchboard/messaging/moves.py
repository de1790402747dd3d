"""The moves between the statuses of a text that goes out. A report never moves a text backwards.

A status has a rank. A report moves a text to a higher rank only. Our own verdict (`provisional`) about a text whose
outcome was unknown may still be corrected by any report of the carrier.
"""

from __future__ import annotations

from switchboard.messaging.models import MessageStatus, TextMessage

_RANKS = {
    MessageStatus.QUEUED: 0,
    MessageStatus.SENDING: 1,
    MessageStatus.UNCONFIRMED: 2,
    MessageStatus.ACCEPTED: 3,
    MessageStatus.SENT: 4,
    MessageStatus.UNDELIVERED: 5,
    MessageStatus.FAILED: 5,
    MessageStatus.CANCELED: 5,
    MessageStatus.DELIVERED: 5,
    MessageStatus.READ: 6,
    MessageStatus.RECEIVED: 7,
}
#: The ends. A message in one of them does not count as under way.
END_STATUSES = frozenset(
    {
        MessageStatus.DELIVERED,
        MessageStatus.READ,
        MessageStatus.UNDELIVERED,
        MessageStatus.FAILED,
        MessageStatus.CANCELED,
    }
)
_FAILED_ENDS = frozenset({MessageStatus.UNDELIVERED, MessageStatus.FAILED, MessageStatus.CANCELED})


def can_become(message: TextMessage, status: MessageStatus) -> bool:
    """Whether a message may move to a status."""
    if message.direction == "inbound":
        return False
    if message.provisional:
        return status is not message.status and _RANKS[status] > _RANKS[MessageStatus.SENDING]
    if message.status in _FAILED_ENDS:
        # A failed text is not read later.
        return False
    return _RANKS[status] > _RANKS[message.status]
