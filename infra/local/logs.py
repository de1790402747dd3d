"""`make logs`: the logs of the stack, with the name of the log before each line."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from infra.local.terminal import until_reader_stops

_LAST_BYTES = 64_000
_LOOK_EVERY_SECONDS = 0.3


def show_logs(home: Path, *, lines: int, follow: bool) -> None:
    """Print the last lines of each log, then new lines as they come if `follow` is set, until Ctrl-C."""
    places: dict[Path, int] = {}
    with suppress(KeyboardInterrupt), until_reader_stops():
        for path in sorted(home.glob("*.log")):
            places[path] = path.stat().st_size
            for line in _last_lines(path, lines):
                _print_line(path, line)
        if not places and not follow:
            raise SystemExit(f"There are no logs in {home}: start a stack with `make run`.")
        while follow:
            time.sleep(_LOOK_EVERY_SECONDS)
            for path in sorted(home.glob("*.log")):
                places[path] = _print_new_lines(path, places.get(path, 0))


def _last_lines(path: Path, count: int) -> list[str]:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LAST_BYTES))
        return _decode(file.read()).splitlines()[-count:] if count else []


def _print_new_lines(path: Path, place: int) -> int:
    """Print the whole lines after a place of a log. Returns the place for the next time."""
    found: list[bytes] = []
    # A log may be deleted meanwhile. An error of the output is none of a log.
    with suppress(OSError), path.open("rb") as file:
        if path.stat().st_size < place:
            place = 0  # this is a new log
        file.seek(place)
        found = [raw for raw in file if raw.endswith(b"\n")]
    for raw in found:
        _print_line(path, _decode(raw).rstrip("\n"))
        place += len(raw)
    return place


def _print_line(path: Path, line: str) -> None:
    print(f"{path.stem:<9} | {line}", flush=True)


def _decode(raw: bytes) -> str:
    return raw.decode(errors="replace")
