"""Processes that run functions. Like Lambda's environments, each handles one request at a time."""

from __future__ import annotations

import asyncio
import importlib
import io
import os
import signal
import sys
import threading
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

from infra import resources, topology
from infra.local import rights
from infra.local.terminal import print_line

#: The rights of the function that this process runs.
_guard = rights.Guard()
_LOOK_EVERY_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0


class Context:
    """The context of an invocation, as Lambda passes it to a handler."""

    def __init__(self, function: resources.Function) -> None:
        self.function_name = f"switchboard-local-{function.name.replace('/', '-')}"
        self.function_version = "$LATEST"
        self.memory_limit_in_mb = function.memory
        self.aws_request_id = str(uuid.uuid4())
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:000000000000:function:{self.function_name}"
        self._deadline = time.monotonic() + function.seconds

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda would stop the function."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def invoke(name: str, event: dict[str, Any]) -> Any:
    """Run a function's handler in this process."""
    module = importlib.import_module(f"functions.{name.replace('/', '.')}.handler")
    with _guard.running(name):
        return module.handler(event, Context(topology.function(name)))


class _Log(io.TextIOBase):
    """The log of the functions. On a full disk, log lines are lost, but requests still get their responses."""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with suppress(OSError):
            os.write(1, text.encode(errors="replace"))
        return len(text)


def _prepare(environ: dict[str, str], log: Path, warm: tuple[str, ...]) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout = sys.stderr = _Log()
    # Ctrl-C and a closed terminal send signals to every process of the terminal. Only the parent handles them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    os.environ.update(environ)
    _guard.watch()
    for name in warm:
        importlib.import_module(f"functions.{name.replace('/', '.')}.handler")


def _end_with(sentinel: int) -> None:
    """End this process when its parent has ended: nothing else ends a process of a pool then."""
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGKILL)


def _context() -> BaseContext:
    """Returns the way to start a process of a pool.

    On Linux, each is forked from a process that has imported all functions already. Elsewhere a library of the system
    may not survive a fork.
    """
    if sys.platform != "linux":
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(["infra.local.preloaded"])
    return context


class Pool:
    """Some processes for one kind of function. A process that dies fails only its own request.

    Another process replaces it, and one line reports this.
    """

    def __init__(
        self, size: int, environ: dict[str, str], log: Path, warm: tuple[str, ...] = (), name: str = "worker"
    ) -> None:
        self.size, self.name = size, name
        self._arguments = (environ, log, warm)
        self._slots = [self._make_process() for _ in range(size)]
        #: The process ids. A process that has not started has none.
        self._pids: dict[int, int] = {}
        self._free: asyncio.Queue[int] = asyncio.Queue()
        for slot in range(size):
            self._free.put_nowait(slot)

    @property
    def pids(self) -> list[int]:
        """The process ids of the started processes."""
        return sorted(self._pids.values())

    def _make_process(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=_context(), initializer=_prepare, initargs=self._arguments)

    async def start_processes(self) -> None:
        """Start every process, so that no request waits for a start. Raises RuntimeError if a process cannot start."""
        try:
            await asyncio.gather(*(self._wait_for_process(slot) for slot in range(self.size)))
        except BrokenProcessPool as error:
            raise RuntimeError(
                f"A process of the {self.name} pool cannot start: see {self._arguments[1]} for the reason."
            ) from error

    async def invoke(self, name: str, event: dict[str, Any]) -> Any:
        """Run a function in the next free process. Raises BrokenProcessPool if the process dies meanwhile."""
        slot = await self._free.get()
        try:
            try:
                work = self._slots[slot].submit(invoke, name, event)
            except BrokenProcessPool:
                # The process died while it was idle, so its replacement can handle the request.
                self._replace_process(slot)
                work = self._slots[slot].submit(invoke, name, event)
            return await asyncio.wrap_future(work)
        except BrokenProcessPool:
            self._replace_process(slot)
            raise
        finally:
            self._free.put_nowait(slot)

    async def watch_processes(self) -> None:
        """Check the idle processes every second and replace dead ones, so that a request finds none of them dead."""
        pause = _LOOK_EVERY_SECONDS
        while True:
            await asyncio.sleep(pause)
            died = 0
            for _ in range(self._free.qsize()):
                slot = await self._free.get()
                try:
                    await self._wait_for_process(slot)
                except BrokenProcessPool:
                    self._replace_process(slot)
                    died += 1
                finally:
                    self._free.put_nowait(slot)
            # If processes cannot even start, the pause becomes longer.
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS) if died else _LOOK_EVERY_SECONDS

    async def _wait_for_process(self, slot: int) -> None:
        self._pids[slot] = await asyncio.get_running_loop().run_in_executor(self._slots[slot], os.getpid)

    def _replace_process(self, slot: int) -> None:
        self._slots[slot].shutdown(wait=False)
        self._slots[slot] = self._make_process()
        print_line(f"A process of the {self.name} pool died. Another one takes its place.")

    def stop(self) -> None:
        """End the processes after their current requests."""
        for executor in self._slots:
            executor.shutdown(wait=True, cancel_futures=True)
