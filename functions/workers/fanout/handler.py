"""The outbox: sends committed events from the `activity` table's stream to the queues of their consumers."""

from __future__ import annotations

from switchboard import workers
from switchboard.fanout import service as fanout

handler = workers.stream_handler(fanout.forward_items)
