"""Timers that are due soon: their jobs go to their queues, each with what is left of its delay."""

from __future__ import annotations

from switchboard import consumer
from switchboard.timers import service as timers
from switchboard.timers.jobs import FireTimers

handler = consumer.jobs({FireTimers: timers.fire})
