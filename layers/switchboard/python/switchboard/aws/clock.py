"""Time, as something a test can hold still."""

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
    """The time now, in UTC, to the millisecond (what every stored and shown timestamp carries)."""
    return datetime.fromtimestamp(int(_source() * 1000) / 1000, UTC)


def iso(moment: datetime) -> str:
    """A moment as it is stored, shown and sorted: `2026-01-02T03:04:05.678Z`.

    Raises ValueError for one that lies before the year 1 or after the year 9999 in UTC.
    """
    return _in_utc(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp() -> str:
    """The time now as text."""
    return iso(now())


def parse(text: str) -> datetime:
    """A moment from its text. Raises ValueError for what is none, has no zone, or is outside the years 1 to 9999."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a timestamp needs a zone")
    return _in_utc(moment)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a timestamp lies in the years 1 to 9999") from None


class Frozen:
    """A clock for tests: stands until it is moved."""

    def __init__(self, at: str = "2026-01-15T17:00:00.000Z") -> None:
        self.at = parse(at).timestamp()

    def __call__(self) -> float:
        return self.at

    def advance(self, **by: float) -> None:
        """Move on by a timedelta's arguments."""
        self.at += timedelta(**by).total_seconds()


@contextmanager
def using(source: Callable[[], float]) -> Iterator[None]:
    """Take the time from `source` inside the block."""
    global _source  # noqa: PLW0603 the process has one clock, as it has one time
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before
