"""Processes that run functions, one request at a time each, as Lambda's do."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from infra import topology


class Context:
    """What Lambda tells a handler of its invocation."""

    def __init__(self, function: topology.Function) -> None:
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
    return module.handler(event, Context(topology.function(name)))


def _prepare(environ: dict[str, str], log: Path, warm: tuple[str, ...]) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    # Ctrl-C reaches every process of the terminal; only the parent acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(environ)
    for name in warm:
        importlib.import_module(f"functions.{name.replace('/', '.')}.handler")


class Pool:
    """A number of processes for a kind of function. A process that dies takes its own request with it, and no other."""

    def __init__(self, size: int, environ: dict[str, str], log: Path, warm: tuple[str, ...] = ()) -> None:
        self.size = size
        self._arguments = (environ, log, warm)
        self._slots = [self._new() for _ in range(size)]
        self._free: asyncio.Queue[int] = asyncio.Queue()
        for slot in range(size):
            self._free.put_nowait(slot)

    def _new(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_prepare, initargs=self._arguments)

    async def ready(self) -> None:
        """Start every process, so that the first request waits for none."""
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(executor, os.getpid) for executor in self._slots))

    async def invoke(self, name: str, event: dict[str, Any]) -> Any:
        """Run a function in the next free process. Raises BrokenProcessPool when the process dies on it."""
        slot = await self._free.get()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._slots[slot], invoke, name, event)
        except BrokenProcessPool:
            self._slots[slot].shutdown(wait=False)
            self._slots[slot] = self._new()
            raise
        finally:
            self._free.put_nowait(slot)

    def stop(self) -> None:
        """Let the processes finish what they are doing, and end them."""
        for executor in self._slots:
            executor.shutdown(wait=True, cancel_futures=True)
