"""The outbox: sends committed events from the `activity` table's stream to the queues of their consumers."""

from __future__ import annotations

from switchboard import consumer
from switchboard.fanout import service as fanout

handler = consumer.stream(fanout.hand_on)
