"""Imported once by the process from which all processes of the pools are forked (`infra.local.pool`)."""

from __future__ import annotations

import gc
import importlib
import signal
from contextlib import suppress

import infra.local.stack  # noqa: F401 each process of a pool imports the module that the stack was started with
from infra import topology

# A closed terminal sends this signal to every process of the terminal. Only the stack handles it.
signal.signal(signal.SIGHUP, signal.SIG_IGN)
for function in topology.FUNCTIONS:
    # A function that cannot be imported fails in its own process, whose log tells the reason.
    with suppress(Exception):
        importlib.import_module(f"functions.{function.name.replace('/', '.')}.handler")
# The memory of modules stays shared if the garbage collector does not touch it.
gc.collect()
gc.freeze()
