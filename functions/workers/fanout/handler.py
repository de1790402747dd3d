"""The outbox: from the `activity` table's stream to the queues of those who act on what was committed."""

from __future__ import annotations

from switchboard import consumer
from switchboard.fanout import service as fanout

handler = consumer.stream(fanout.hand_on)
