"""Timers: send a job to a queue at a given time."""
