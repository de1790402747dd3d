"""Runs independent I/O in a background thread while the request waits for other I/O.

A thread starts only when a request is about to wait for an answer: `switchboard.aws` calls `start_guard` then. A result
that is needed earlier is computed in the request's own thread, so a request that reads nothing starts no thread.
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
#: A process serves one request at a time. A request has one guard and a few background reads. A turn of a campaign
#: hands ten texts to the carrier at once.
_THREADS = 10


@cache
def _threads() -> ThreadPoolExecutor:
    # Imported and created when a request first needs it: a SnapStart snapshot of the process has no threads.
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(_THREADS, thread_name_prefix="aside")


def run_in_thread(work: Callable[[], _T]) -> Future[_T]:
    """Runs the work in a background thread."""
    return _threads().submit(work)


def run_inline(work: Callable[[], _T]) -> Future[_T]:
    """Runs the work now, in the calling thread."""
    outcome: Future[_T] = Future()
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001 `result` raises the error, as with work in a thread
        outcome.set_exception(error)
    return outcome


#: How a task starts. Tests replace it.
submit: Callable[[Callable[[], Any]], Future[Any]] = run_in_thread


class BackgroundTask(Generic[_T]):
    """Work that runs once: in a background thread after `start`, or else in the owner's thread at `result`.

    Only the thread that owns the task may call its methods.
    """

    def __init__(self, work: Callable[[], _T]) -> None:
        self._work = work
        self._begun = False
        self._outcome: Future[_T] | None = None

    @classmethod
    def with_result(cls, value: _T) -> BackgroundTask[_T]:
        """Returns a finished task with this value."""
        task = cls(lambda: value)
        task.result()
        return task

    def start(self) -> None:
        """Starts the work in the background, unless it has started already."""
        if not self._begun:
            self._begun = True
            self._outcome = submit(self._work)

    def result(self) -> _T:
        """Returns the result of the work. Every call raises the error of failed work, a BaseException too."""
        # A task that still waits for a free thread is canceled and runs in this thread.
        if not self._begun or (self._outcome and self._outcome.cancel()):
            self._begun = True
            self._outcome = run_inline(self._work)
        assert self._outcome is not None, "the task waits for itself"
        return self._outcome.result()


class _Here(threading.local):
    """The task that the request's thread must finish before it writes."""

    guard: BackgroundTask[object] | None = None


_here = _Here()


@contextmanager
def guard_writes(work: Callable[[], object]) -> Iterator[None]:
    """Lets the block read while the work runs. Writes in the block wait until the work is done.

    An error of the work replaces the result or the error of the block.
    """
    wait_for_guard()
    before, _here.guard = _here.guard, BackgroundTask(work)
    try:
        yield
    except Exception:
        wait_for_guard()
        raise
    else:
        wait_for_guard()
    finally:
        _here.guard = before


def start_guard() -> None:
    """Starts the guard task of this thread in the background, because the thread is about to wait for an answer."""
    _with_the_guard(BackgroundTask.start)


def wait_for_guard() -> None:
    """Waits for the guard task of this thread, if there is one. Every call raises the error of a failed task.

    `aws/writes.py` calls this before each write. Other code must call it before any other effect or cost during a
    request.
    """
    _with_the_guard(BackgroundTask.result)


def _with_the_guard(step: Callable[[BackgroundTask[object]], object]) -> None:
    guard = _here.guard
    if guard is None:
        return
    # The guard's own reads, in this thread, must not wait for the guard.
    _here.guard = None
    try:
        step(guard)
    finally:
        _here.guard = guard
