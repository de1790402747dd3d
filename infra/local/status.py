"""`make status`: what runs, since when, on which ports, and whether each part works."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from socket import create_connection
from typing import Any

from infra.install.cleaning import find_packages
from infra.install.sizes import format_bytes, measure_bytes
from infra.local import lock, report
from infra.local.terminal import until_reader_stops
from switchboard.kit.processes import is_alive

#: The exit statuses, as of `systemctl status` where it has one.
WORKS, BROKEN, STOPPED, CHANGING = 0, 1, 3, 4
_PATIENCE_SECONDS = 3


@dataclass(frozen=True)
class Part:
    """A part of the stack. `trouble` says what is wrong with it, and is empty if it works."""

    name: str
    place: str
    trouble: str


def print_status(home: Path, *, as_json: bool) -> int:
    """Print the status of a folder's stack. Returns the exit status."""
    pid, told = lock.find_holder(home), report.read_report(home)
    if pid is None or told.get("pid") != pid:
        state = "changing" if lock.is_held(home) else "stopped"
        told = {"pid": pid}
    else:
        state = told["state"]
    parts = list(_check_parts(told)) if state == "serving" else []
    status = _exit_status(state, parts)
    with until_reader_stops():
        if as_json:
            summary = {**told, "home": str(home), "status": _NAMES[status], "parts": [asdict(part) for part in parts]}
            print(json.dumps(summary, indent=2))
            return status
        print(_headline(home, state, told))
        for part in parts:
            print(f"  {part.name:<30} {part.place:<24} {part.trouble or 'works'}")
        if status == BROKEN:
            print("A part that ended is started again by itself. If it is not, see `make logs`, then `make stop`.")
        print(_describe_disk(home))
    return status


_NAMES = {WORKS: "works", BROKEN: "broken", STOPPED: "stopped", CHANGING: "changing"}


def _exit_status(state: str, parts: list[Part]) -> int:
    if state == "stopped":
        return STOPPED
    if state != "serving":
        return CHANGING
    return BROKEN if any(part.trouble for part in parts) else WORKS


def _headline(home: Path, state: str, told: dict[str, Any]) -> str:
    if state == "stopped":
        return f"No stack runs with the data in {home}. Start one with `make run`."
    if "started_at" not in told:
        return f"A stack with the data in {home} is starting or stopping."
    minutes = (time.time() - told["started_at"]) / 60
    since = datetime.fromtimestamp(told["started_at"]).astimezone()
    times = f"{since:%Y-%m-%d %H:%M:%S} ({minutes:.0f} min ago)"
    return f"A stack with the data in {home} is {state}. It was started at {times}, process {told['pid']}."


def _check_parts(told: dict[str, Any]) -> Iterator[Part]:
    yield Part("APIs", told["url"], _ask(f"{told['url'].replace('localhost', '127.0.0.1')}/api/health"))
    yield Part("SMTP for the agents", f"localhost:{told['smtp_port']}", _connect(told["smtp_port"]))
    for server in told["servers"]:
        trouble = (
            _ask(f"http://127.0.0.1:{server['port']}{server['path']}") if is_alive(str(server["pid"])) else "ended"
        )
        yield Part(server["name"], f"localhost:{server['port']}", trouble)
    for pool in told["pools"]:
        living = sum(is_alive(str(pid)) for pid in pool["pids"])
        trouble = "" if living == pool["size"] else f"only {living} of {pool['size']} processes run"
        yield Part(f"pool {pool['name']}", f"{pool['size']} processes", trouble)


def _ask(url: str) -> str:
    """The trouble of the server at a URL, empty if there is none. Each answer below 500 shows that it works."""
    try:
        with urllib.request.urlopen(url, timeout=_PATIENCE_SECONDS):  # noqa: S310 our own URL
            return ""
    except urllib.error.HTTPError as error:
        return "" if error.code < 500 else f"answers with status {error.code}"
    except OSError:
        return "does not answer"


def _connect(port: int) -> str:
    try:
        with create_connection(("127.0.0.1", port), _PATIENCE_SECONDS):
            return ""
    except OSError:
        return "does not answer"


def _describe_disk(home: Path) -> str:
    logs = sum(path.stat().st_size for path in home.glob("*.log"))
    sizes = {"data": measure_bytes(home / "data"), "mail": measure_bytes(home / "mail"), "logs": logs}
    packages = sum(map(measure_bytes, find_packages()))
    listed = ", ".join(f"{name} {format_bytes(size)}" for name, size in {**sizes, "packages": packages}.items())
    return f"Disk: {listed}."
