"""A headless browser from packages: Chromium from npm, driven by Playwright, which downloads no browser of its own.

The environment variable CHROMIUM names another binary, for machines that the package does not support.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright

from infra import node
from infra.local import engine

_T = TypeVar("_T")
_HERE = Path(__file__).parent
_HOME = engine.ROOT / ".local" / "browser"
_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_FONTS = "fonts.conf"
_FONTCONFIG = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{unpacked}/fonts</dir><cachedir>{unpacked}/font-cache</cachedir></fontconfig>
"""
#: Timeout for every action of a page, in milliseconds.
_PATIENCE = 10_000


class Browser:
    """A running browser in its own thread: Playwright leaves an event loop in the thread that uses it."""

    def __init__(self, thread: ThreadPoolExecutor, chromium: Chromium) -> None:
        self._thread, self._chromium = thread, chromium

    def run(self, work: Callable[[Page], _T]) -> _T:
        """Let a new person without cookies act in a page, and return the result."""
        return self._thread.submit(self._run, work).result()

    def _run(self, work: Callable[[Page], _T]) -> _T:
        context = self._chromium.new_context()
        context.set_default_timeout(_PATIENCE)
        try:
            return work(context.new_page())
        finally:
            context.close()


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser, installed when it is first used."""
    path, environ = _installed()
    with ThreadPoolExecutor(1, thread_name_prefix="browser") as thread:
        playwright = thread.submit(sync_playwright().start).result()
        try:
            launch = playwright.chromium.launch
            chromium = thread.submit(launch, executable_path=path, args=[*_FLAGS], env=environ).result()
            yield Browser(thread, chromium)
            thread.submit(chromium.close).result()
        finally:
            thread.submit(playwright.stop).result()


def _installed() -> tuple[Path, dict[str, str | float | bool]]:
    """The browser's path and environment."""
    own = os.environ.get("CHROMIUM")
    if own:
        return Path(own), dict(os.environ)
    unpacked = _unpacked()
    environ = {"LD_LIBRARY_PATH": str(unpacked / "al2023" / "lib"), "FONTCONFIG_FILE": str(unpacked / _FONTS)}
    return unpacked / "chromium", {**os.environ, **environ}


def _unpacked() -> Path:
    modules, unpacked = node.install_packages(_HERE, _HOME), _HOME / "unpacked"
    stamp, lock = unpacked / "installed.json", _HOME / "installed.json"
    with (_HOME / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
            shutil.rmtree(unpacked, ignore_errors=True)
            unpacked.mkdir()
            command = [node.node_binary(), _HERE / "inflate.mjs", modules]
            subprocess.run(command, env={"TMPDIR": str(unpacked)}, check=True)
            # The package's own configuration looks for fonts in Lambda's folders.
            (unpacked / _FONTS).write_text(_FONTCONFIG.format(unpacked=unpacked))
            shutil.copyfile(lock, stamp)
    return unpacked
