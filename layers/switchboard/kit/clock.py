"""The process's clock. Tests can stop it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_source: Callable[[], float] = time.time


def epoch() -> float:
    """Seconds since 1970, with fractions."""
    return _source()


def now() -> datetime:
    """The current time in UTC, to the millisecond: the precision of all stored and shown timestamps."""
    return datetime.fromtimestamp(int(_source() * 1000) / 1000, UTC)


def format_iso(moment: datetime) -> str:
    """Formats a time as it is stored, shown and sorted: `2026-01-02T03:04:05.678Z`.

    Raises ValueError for a time before the year 1 or after the year 9999 in UTC.
    """
    return _in_utc(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_epoch(seconds: float) -> datetime:
    """Returns the time that is some seconds after the beginning of 1970, to the millisecond."""
    return datetime.fromtimestamp(round(seconds * 1000) / 1000, UTC)


def now_iso() -> str:
    """The current time as text."""
    return format_iso(now())


def parse(text: str) -> datetime:
    """Parses a timestamp. Raises ValueError for other text, a missing time zone, or a year outside 1 to 9999."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a timestamp needs a time zone")
    return _in_utc(moment)


def seconds_between(start: datetime, end: datetime) -> int:
    """Returns the time from `start` to `end` in rounded seconds, and 0 if `end` is earlier."""
    return max(0, round_seconds(end - start))


def round_seconds(length: timedelta) -> int:
    """Returns a length in the unit of all records: whole seconds."""
    return round(length.total_seconds())


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the year of a timestamp must be 1 to 9999") from None


class FrozenClock:
    """A clock for tests. It stands still until `advance` moves it."""

    def __init__(self, at: str = "2026-01-15T17:00:00.000Z") -> None:
        self.at = parse(at).timestamp()

    def __call__(self) -> float:
        return self.at

    def advance(self, **by: float) -> None:
        """Moves the clock forward, with the arguments of `timedelta`."""
        self.at += timedelta(**by).total_seconds()


@contextmanager
def using(source: Callable[[], float]) -> Iterator[None]:
    """Reads the time from `source` inside the block."""
    global _source  # noqa: PLW0603 the process has one clock
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before
