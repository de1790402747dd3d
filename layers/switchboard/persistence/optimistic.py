"""Optimistic changes of versioned objects: read, decide, commit once.

The decision is a pure function of the object that was read. Another writer between the read and the commit increases
the version. The commit's condition then fails, and all three steps run again after a pause. Facts that arrive in large
numbers (recipients, turns) are items of their own, so that their writers do not conflict here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from switchboard.aws import dynamodb
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import ConditionFailedError, Writes, commit
from switchboard.errors import Contended
from switchboard.persistence.idempotency import IdempotencyGuard, commit_once

T = TypeVar("T")
#: The next version of an object and the writes that belong to it, or `None` if nothing changes.
Decision = tuple[T, Writes] | None

#: About three seconds of pauses: enough for twenty concurrent writers of one object.
_ATTEMPTS = 12


class StaleVersionError(Exception):
    """The object has changed since it was read. Read it again, and decide again."""

    def __init__(self, _: list[Item | None] | None = None) -> None:
        super().__init__("changed since it was read")


class AlreadyRecordedError(Exception):
    """An earlier run has already recorded the fact of this change."""

    def __init__(self, _: list[Item | None] | None = None) -> None:
        super().__init__("already recorded")


def change_object(
    load: Callable[[], T | None],
    decide: Callable[[T], Decision[T]],
    save: Callable[[T], Writes],
    *,
    once: IdempotencyGuard | None = None,
    subject_id: str = "",
) -> T | None:
    """Changes the current version of an object. Returns the new version, `None` if nothing changes.

    `once` is the request of the change, and `subject_id` the object's id. A repeated request changes nothing.
    `save` returns the write of the next version, on the condition that the previous version is still stored. Another
    write of the commit may raise `AlreadyRecordedError`: then nothing is left to do. Raises Contended when other
    writers keep changing the object, and all other errors of the writes.
    """

    def attempt() -> T | None:
        before = load()
        decided = decide(before) if before is not None else None
        if decided is None:
            return None
        after, writes = decided
        if once is not None:
            return None if commit_once(once, subject_id, save(after), writes) else after
        commit(save(after), writes)
        return after

    return retry_on_conflict(attempt)


def retry_on_conflict(attempt: Callable[[], T]) -> T | None:
    """Retries an attempt, from its first read on, while another writer changes the object before its commit.

    Returns the result of the attempt, `None` if an earlier run has recorded it. Raises Contended after the last retry.
    """
    for number in range(_ATTEMPTS):
        try:
            return attempt()
        except (StaleVersionError, ConditionFailedError):
            dynamodb.pause_before_retry(number)
        except AlreadyRecordedError:
            return None
    raise Contended("Other requests are changing this at the same time: try again in a second.", retry_after=1)


def record_once(*fact: Writes) -> bool:
    """Commits a fact that is an item of its own, with its other writes. Returns False if it was recorded earlier.

    The fact's write raises `AlreadyRecordedError` for a repeated report, so that each report is recorded once.
    """
    try:
        commit(*fact)
    except AlreadyRecordedError:
        return False
    return True
