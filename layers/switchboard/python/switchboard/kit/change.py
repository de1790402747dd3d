"""One optimistic change for everything that is versioned: read, decide, commit once.

The decision is a pure function of what was read. Another writer between the read and the commit moves the version, so
the commit's condition fails, and the whole is done again after a pause. Facts that arrive in numbers (recipients,
turns) are items of their own, so that those who report them do not meet here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from switchboard.aws import table
from switchboard.aws.table import ConditionFailedError, Item, Writes, commit
from switchboard.errors import Contended

T = TypeVar("T")
#: The next version of a thing and what is written with it, or `None` where nothing changes.
Change = tuple[T, Writes] | None

#: About three seconds of pauses: twenty writers of one thing all come through.
_ATTEMPTS = 12


class Moved(Exception):
    """What was read has changed meanwhile. Read it again, and decide again."""

    def __init__(self, _: list[Item | None] | None = None) -> None:
        super().__init__("changed meanwhile")


class Recorded(Exception):
    """What this change would record is recorded: an earlier run did it."""

    def __init__(self, _: list[Item | None] | None = None) -> None:
        super().__init__("recorded before")


def change(load: Callable[[], T | None], decide: Callable[[T], Change[T]], save: Callable[[T], Writes]) -> T | None:
    """Change a thing as it stands now, and return its new version; `None` where there is nothing to change.

    `save` makes the write of the next version, on the condition that the version before still stands. A write beside
    it may fail by `Recorded`: then nothing is left to do. Raises Contended when others keep changing it, and whatever
    else the writes raise.
    """

    def attempt() -> T | None:
        before = load()
        decided = decide(before) if before is not None else None
        if decided is None:
            return None
        after, writes = decided
        commit(save(after), writes)
        return after

    return again(attempt)


def again(attempt: Callable[[], T]) -> T | None:
    """Make an attempt again, from its first read on, while another writer comes between its read and its commit.

    Returns what the attempt returns, `None` where it was recorded before. Raises Contended when that does not end.
    """
    for number in range(_ATTEMPTS):
        try:
            return attempt()
        except (Moved, ConditionFailedError):
            table.back_off(number)
        except Recorded:
            return None
    raise Contended("This keeps being changed by others: try again.", retry_after=1)


def record(*fact: Writes) -> bool:
    """Commit a fact that is an item of its own, and what goes with it. Returns False where it was recorded before.

    The fact's write fails by `Recorded`, so that a report that comes twice is recorded once.
    """
    try:
        commit(*fact)
    except Recorded:
        return False
    return True
