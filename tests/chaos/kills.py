"""Which process is killed when: a schedule that its seed repeats, and the kill itself."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from tests.running import ENGINE, IDENTITY, TABLES, Running

#: The parts of a stack, by the words of a schedule. Every other kill is of a single process of a pool, as in Lambda.
PARTS = ("API worker", "background worker", "AWS engine", "tables", "identity provider", "stack")
_SERVERS = {"AWS engine": ENGINE, "tables": TABLES, "identity provider": IDENTITY}
_API, _WORKER = "API", "worker"
#: Seconds between two kills. The shortest is less than a restart takes, so that some kills hit a stack that starts.
_PAUSES = (0.5, 4.0)


class Kill(NamedTuple):
    """A kill: `pause` seconds after the one before, of a part, and which of its processes (0 to 1)."""

    pause: float
    part: str
    choice: float


def plan_kills(count: int, seed: int) -> list[Kill]:
    """Returns the kills of a seed. Each part is killed once before any is killed twice."""
    chance = random.Random(seed)
    kills: list[Kill] = []
    while len(kills) < count:
        kills += [
            Kill(round(chance.uniform(*_PAUSES), 2), part, chance.random()) for part in chance.sample(PARTS, len(PARTS))
        ]
    return kills[:count]


def kill_part(stack: Running, kill: Kill) -> bool:
    """Kills a process of a part, and starts a stack that was killed as a whole. Returns whether there was a process."""
    if kill.part == "stack":
        stack.end(signal.SIGKILL)
        stack.start()
        return True
    found = _find_processes(stack)[kill.part]()
    if not found:
        return False
    with suppress(ProcessLookupError):
        os.kill(found[int(kill.choice * len(found))], signal.SIGKILL)
    return True


def _find_processes(stack: Running) -> dict[str, Callable[[], list[int]]]:
    def pool(*names: str) -> list[int]:
        living = set(stack.pool_processes())
        pools = stack.report().get("pools", [])
        return [pid for one in pools if one["name"] in names for pid in one["pids"] if pid in living]

    servers = {part: lambda mark=mark: stack.parts(mark) for part, mark in _SERVERS.items()}
    deliveries = ("workers/deliveries", "workers/slow_deliveries")
    return {
        "API worker": lambda: pool(_API),
        "background worker": lambda: pool(_WORKER, *deliveries),
        **servers,
    }
