"""Limits the times of what is said in a talk to the length of the talk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Protocol, Self, TypeVar


class TimedTurn(Protocol):
    """A turn with its times in milliseconds after the beginning of the talk."""

    @property
    def start_ms(self) -> int:
        """The beginning of the turn."""

    @property
    def end_ms(self) -> int:
        """The end of the turn."""

    def model_copy(self, *, update: dict[str, int]) -> Self:
        """Returns the turn with other times."""


T = TypeVar("T", bound=TimedTurn)


def limit_times(turns: Iterable[T], length: timedelta) -> Iterator[T]:
    """Yields the turns with times within the talk. The clock of who heard them may run ahead of the talk's."""
    most = round(length.total_seconds() * 1_000)
    for turn in turns:
        if turn.end_ms <= most:
            yield turn
        else:
            yield turn.model_copy(update={"start_ms": min(turn.start_ms, most), "end_ms": most})
