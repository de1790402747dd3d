"""Actors that take turns, one step at a time, in an order that a seed decides.

Each actor has a thread, and only one of them runs: at each step it hands on to one that is chosen by chance, which may
be itself. So a run is the same each time, and nothing in it is guarded by luck.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from random import Random

#: No run has more steps than this unless something never ends.
_ENDLESS = 20_000
_THREADS = 64


class Killed(BaseException):
    """The actor's process is gone. Nothing catches this, and what was not yet done is not done."""


@dataclass(eq=False)
class Actor:
    """Somebody who does something. `turn` is held while it is another's."""

    name: str
    work: Callable[[], None]
    turn: threading.Lock = field(default_factory=threading.Lock)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="actor")


class Scheduler:
    """Runs actors until none has anything left to do."""

    def __init__(self, chance: Random, trace: Callable[[str], None] | None = None) -> None:
        self.chance = chance
        #: How likely an actor goes on: in some runs all take turns, in others one does much before the next.
        self.patience = chance.choice((0.0, 0.0, 0.5, 0.8))
        self.steps = 0
        self.current: Actor | None = None
        self.failures: list[BaseException] = []
        self._trace = trace
        self._waiting: list[Actor] = []
        #: Those who come later, each with the step at which they come.
        self._coming: list[tuple[int, Actor]] = []
        self._done = threading.Lock()

    def add(self, name: str, work: Callable[[], None], *, after: int = 0) -> None:
        """Let somebody take part, from now on or so many steps later."""
        actor = Actor(name, work)
        actor.turn.acquire()
        self._coming.append((self.steps + after, actor))
        _threads().submit(self._live, actor)

    def run(self) -> None:
        """Let all take turns until they are done. Raises the first failure that is no one's business."""
        if self._coming:
            self._done.acquire()
            self._hand_on()
            self._done.acquire()
            self._done.release()
        if self.failures:
            raise self.failures[0]

    def step(self, what: str) -> None:
        """The current actor is about to do something that others see: let chance say who is first."""
        me = self.current
        if me is None:
            return
        if not (self.patience and self.chance.random() < self.patience):
            self._waiting.append(me)
            if self._hand_on() is not me:
                me.turn.acquire()
        self.steps += 1
        if self._trace:
            self._trace(f"{self.steps:4d} {me.name}: {what}")
        if self.steps > _ENDLESS:
            raise AssertionError("it does not come to an end")

    def _hand_on(self) -> Actor | None:
        """Give the turn to one of those that wait for it. Returns who has it."""
        waiting, before = self._waiting, self.current
        if self._coming:
            self._admit()
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

    def _admit(self) -> None:
        """Let those begin who come by now; where nobody else is left, whoever comes first."""
        at = self.steps if self._waiting else max(self.steps, min(at for at, _ in self._coming))
        self._waiting += [actor for due, actor in self._coming if due <= at]
        self._coming = [(due, actor) for due, actor in self._coming if due > at]

    def _live(self, actor: Actor) -> None:
        actor.turn.acquire()
        try:
            actor.work()
        except BaseException as error:  # noqa: BLE001 it is raised where the run was asked for
            self.failures.append(error)
        # Its name is nobody's from here on: whoever is chosen next is not it.
        self.current = None
        self._hand_on()
