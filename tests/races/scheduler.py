"""Actors that take turns, one step at a time, in an order that a seed determines.

Each actor has a thread, and only one of them runs: at each step it passes the turn to a random actor, which may be
itself. So a run is the same each time, and its result does not depend on the timing of threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from random import Random

#: A run with more steps is an endless loop.
_ENDLESS = 20_000
_THREADS = 64


class Killed(BaseException):
    """The actor's process is killed. No code catches this, and the rest of the work is not done."""


@dataclass(eq=False)
class Actor:
    """A participant with its work. `turn` is locked while another actor has the turn."""

    name: str
    work: Callable[[], None]
    turn: threading.Lock = field(default_factory=threading.Lock)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="actor")


class Scheduler:
    """Runs actors until all their work is done."""

    def __init__(self, chance: Random, trace: Callable[[str], None] | None = None) -> None:
        self.chance = chance
        #: The probability that an actor takes the next step, too. With 0, all take turns.
        self.patience = chance.choice((0.0, 0.0, 0.5, 0.8))
        self.steps = 0
        self.current: Actor | None = None
        self.failures: list[BaseException] = []
        self._trace = trace
        self._waiting: list[Actor] = []
        #: Actors that start later, each with its first step.
        self._coming: list[tuple[int, Actor]] = []
        self._done = threading.Lock()

    def add(self, name: str, work: Callable[[], None], *, after: int = 0) -> None:
        """Add an actor that starts now or a number of steps later."""
        actor = Actor(name, work)
        actor.turn.acquire()
        self._coming.append((self.steps + after, actor))
        _threads().submit(self._run_actor, actor)

    def run(self) -> None:
        """Let all actors take turns until they are done. Raises the first error that an actor did not handle."""
        if self._coming:
            self._done.acquire()
            self._pass_turn()
            self._done.acquire()
            self._done.release()
        if self.failures:
            raise self.failures[0]

    def step(self, what: str) -> None:
        """The current actor is about to do something that others can see: choose the next actor at random."""
        me = self.current
        if me is None:
            return
        if not (self.patience and self.chance.random() < self.patience):
            self._waiting.append(me)
            if self._pass_turn() is not me:
                me.turn.acquire()
        self.steps += 1
        if self._trace:
            self._trace(f"{self.steps:4d} {me.name}: {what}")
        if self.steps > _ENDLESS:
            raise AssertionError("the run does not end")

    def _pass_turn(self) -> Actor | None:
        """Give the turn to one of the waiting actors. Returns the chosen actor."""
        waiting, before = self._waiting, self.current
        if self._coming:
            self._admit_starting()
        if not waiting:
            self.current = None
            self._done.release()
            return None
        place = int(self.chance.random() * len(waiting))
        waiting[place], waiting[-1] = waiting[-1], waiting[place]
        chosen = self.current = waiting.pop()
        if chosen is not before:
            chosen.turn.release()
        return chosen

    def _admit_starting(self) -> None:
        """Let actors start whose step is reached. If no other actor is left, let the earliest start now."""
        at = self.steps if self._waiting else max(self.steps, min(at for at, _ in self._coming))
        self._waiting += [actor for due, actor in self._coming if due <= at]
        self._coming = [(due, actor) for due, actor in self._coming if due > at]

    def _run_actor(self, actor: Actor) -> None:
        actor.turn.acquire()
        try:
            actor.work()
        except BaseException as error:  # noqa: BLE001 it is raised where the run was asked for
            self.failures.append(error)
        # This thread no longer has the turn, even if the next actor has the same name.
        self.current = None
        self._pass_turn()
