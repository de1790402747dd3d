"""Work beside a request's own: what it does not depend on is asked for while it waits for something else.

A thread is started when a request is about to wait for an answer, as `switchboard.aws.table` says by `begin`, and never
before. What is needed earlier is done in the request's own thread, so that a request that reads nothing starts none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_T = TypeVar("_T")
#: A process serves one request at a time, which has one guard and a read or two beside its own.
_THREADS = 8


@cache
def _threads() -> ThreadPoolExecutor:
    # Imported and made when a request needs it: SnapStart's image of the process has no threads.
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(_THREADS, thread_name_prefix="aside")


def in_thread(work: Callable[[], _T]) -> Future[_T]:
    """Let a thread of the process do it."""
    return _threads().submit(work)


def in_line(work: Callable[[], _T]) -> Future[_T]:
    """Do it here and now."""
    outcome: Future[_T] = Future()
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001 it is raised where the result is asked for, as a thread's is
        outcome.set_exception(error)
    return outcome


#: How a task is begun. Tests replace it.
start: Callable[[Callable[[], Any]], Future[Any]] = in_thread


class Task(Generic[_T]):
    """Work that is done once: beside its owner if it was begun, else by the owner, who asks for its result.

    The owner is the one thread that may call it.
    """

    def __init__(self, work: Callable[[], _T]) -> None:
        self._work = work
        self._begun = False
        self._outcome: Future[_T] | None = None

    @classmethod
    def known(cls, value: _T) -> Task[_T]:
        """What needs no doing."""
        task = cls(lambda: value)
        task.result()
        return task

    def begin(self) -> None:
        """Let it be done beside its owner, unless it is under way already."""
        if not self._begun:
            self._begun = True
            self._outcome = start(self._work)

    def result(self) -> _T:
        """What the work gives. Raises what it raised, a BaseException too, as often as it is asked."""
        # What no thread has come to yet is not waited for.
        if not self._begun or (self._outcome and self._outcome.cancel()):
            self._begun = True
            self._outcome = in_line(self._work)
        assert self._outcome is not None, "it waits for itself"
        return self._outcome.result()


class _Here(threading.local):
    """What the thread that serves a request has to settle before it writes."""

    guard: Task[object] | None = None


_here = _Here()


@contextmanager
def guarded(work: Callable[[], object]) -> Iterator[None]:
    """Let the block read beside the work, and write only once that is done.

    What the work raises takes the place of whatever the block gives or raises.
    """
    settle()
    before, _here.guard = _here.guard, Task(work)
    try:
        yield
    except Exception:
        settle()
        raise
    else:
        settle()
    finally:
        _here.guard = before


def begin() -> None:
    """The thread is about to wait for an answer: let the task that guards it go on meanwhile."""
    _with_the_guard(Task.begin)


def settle() -> None:
    """Wait for the task that guards this thread, if there is one. Raises what it raised, again each time.

    `table` does so before each write; whoever causes another effect, or a cost, during a request does it before that.
    """
    _with_the_guard(Task.result)


def _with_the_guard(step: Callable[[Task[object]], object]) -> None:
    guard = _here.guard
    if guard is None:
        return
    # What it asks of the table itself, in line, does not wait for it.
    _here.guard = None
    try:
        step(guard)
    finally:
        _here.guard = guard
