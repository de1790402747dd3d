"""Fires timers that are due soon: sends their jobs to the queues, each with its remaining delay."""

from __future__ import annotations

from switchboard import workers
from switchboard.timers import service as timers
from switchboard.timers.jobs import FireTimers

handler = workers.job_handler({FireTimers: timers.fire_timers})
