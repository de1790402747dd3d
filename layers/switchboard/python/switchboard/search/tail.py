"""The tail of subjects' entries: tokens that follow the subject in transactions of their own.

A noun plugs in with a `Source`, gives its tails to `index.Found`, and calls `catch_up` in the job of each event that
changes a subject.

Before any entry is written, the item that tells what is indexed (`Indexed`) names the tokens of before and after, as
not settled; when all entries are written it names those of after. So a job that begins where another was stopped knows
every entry that may be there. Each transaction stands only while the subject is of the revision that was read, so no
job writes for an older one; when the subject has moved on, the job of that change, which begins after it, does the
rest. A subject that was deleted has no revision, and may have been there again meanwhile: there the item's own version
tells that another job has written it.

| item | pk | sk |
|---|---|---|
| tokens of a tail that are indexed | `<org>#tail#<noun>` | `<subject id>` |
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from pydantic import BaseModel, Field

from switchboard.aws import ids, table
from switchboard.aws.table import Check, Delete, Item, Key, Put, Writes, commit
from switchboard.kit.change import Moved, again
from switchboard.search import index
from switchboard.search.index import Noun

#: Entries of one transaction, which checks the subject besides.
_TOGETHER = 90
#: Subjects of one read.
_AT_ONCE = 100


class Indexed(BaseModel):
    """Which tokens of the tail may be in the index. All of them are, and no others, if it is `settled`."""

    tokens: list[str] = Field(default_factory=list)
    settled: bool = True
    #: Another one at each write; None before the first.
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Current:
    """A subject as it is now: its revision, and the tokens that its tail should have."""

    revision: str
    tokens: Collection[str]


class Source(Protocol):
    """A noun whose subjects have tails, in items with an attribute `revision`.

    A revision is another one at each change, and is never given twice: not even to a subject that was deleted and made
    again.
    """

    @property
    def noun(self) -> Noun: ...

    def key(self, org_id: str, subject_id: str) -> Key:
        """Where the subject's item is, in the noun's table."""

    def current(self, org_id: str, subject_ids: Sequence[str]) -> Sequence[Current | None]:
        """Up to 100 subjects, read consistently, in the order of their ids; None for one that is not there."""


def catch_up(source: Source, org_id: str, subject_ids: Sequence[str]) -> None:
    """Bring the tails of subjects' entries to what the subjects have now, or to nothing where they were deleted.

    Raises Contended when other jobs keep indexing the same subjects: the queue brings this one again.
    """
    for begin in range(0, len(subject_ids), _AT_ONCE):
        again(partial(_catch_up, source, org_id, subject_ids[begin : begin + _AT_ONCE]))


def first_writes(noun: Noun, org_id: str, subject_id: str, tokens: Collection[str]) -> list[Put]:
    """The writes of the tail of a subject that is new: for a bulk load, beside which no job runs."""
    if not tokens:
        return []
    state = Indexed(tokens=sorted(tokens), version=ids.new("idx"))
    return [
        *(index.put(noun, org_id, subject_id, "tail", token) for token in tokens),
        Put(table=noun.table, item={**_key(noun, org_id, subject_id), **state.model_dump()}),
    ]


class _MovedOnError(Exception):
    """The subject is of another revision by now."""

    def __init__(self, _: list[Item | None]) -> None:
        super().__init__("the subject has changed")


def _catch_up(source: Source, org_id: str, subject_ids: Sequence[str]) -> None:
    # In this order: a subject that was changed since has a job of its own, which reads its state after that.
    subjects = source.current(org_id, subject_ids)
    states = _indexed(source.noun, org_id, subject_ids)
    for subject_id, subject, state in zip(subject_ids, subjects, states, strict=True):
        wanted = sorted(subject.tokens) if subject else []
        if state.settled and state.tokens == wanted:
            continue
        try:
            _Tail(source, org_id, subject_id, subject, state).become(wanted)
        except _MovedOnError:
            continue


class _Tail:
    """The tail of one subject's entries, as it was read."""

    def __init__(self, source: Source, org_id: str, subject_id: str, subject: Current | None, state: Indexed) -> None:
        self._noun, self._org_id, self._subject_id, self._state = source.noun, org_id, subject_id, state
        self._check = _unchanged(source, org_id, subject_id, subject.revision if subject else None)

    def become(self, wanted: list[str]) -> None:
        """Write the entries of these tokens, and delete all others. Raises Moved when another job is at it."""
        # What an unsettled state names may be there, or not.
        there = set(self._state.tokens) if self._state.settled else set()
        gone = sorted(set(self._state.tokens) - set(wanted))
        place = (self._noun, self._org_id, self._subject_id)
        self._note(sorted({*self._state.tokens, *wanted}), settled=False)
        writes = [
            *(index.put(*place, "tail", token) for token in wanted if token not in there),
            *(index.delete(*place, "tail", token) for token in gone),
        ]
        for begin in range(0, len(writes), _TOGETHER):
            self._commit(writes[begin : begin + _TOGETHER])
        self._note(wanted, settled=True)

    def _note(self, tokens: list[str], *, settled: bool) -> None:
        after = Indexed(tokens=tokens, settled=settled, version=ids.new("idx"))
        self._commit(_save(self._noun, self._org_id, self._subject_id, self._state, after))
        self._state = after

    def _commit(self, part: Writes) -> None:
        commit(self._check, part)


def _unchanged(source: Source, org_id: str, subject_id: str, revision: str | None) -> Check:
    """Let a transaction stand only while a subject is of that revision; None says that there is no such subject."""
    still: dict[str, Any] = {"condition": "attribute_not_exists(pk)"}
    if revision is not None:
        still = {"condition": "revision = :revision", "values": {":revision": revision}}
    return Check(table=source.noun.table, key=source.key(org_id, subject_id), otherwise=_MovedOnError, **still)


def _indexed(noun: Noun, org_id: str, subject_ids: Sequence[str]) -> list[Indexed]:
    """What of each tail is indexed."""
    items = table.get_many(noun.table, [_key(noun, org_id, subject_id) for subject_id in subject_ids])
    return [Indexed.model_validate(item) if item else Indexed() for item in items]


def _save(noun: Noun, org_id: str, subject_id: str, before: Indexed, after: Indexed) -> Put | Delete:
    """Write what of a tail is indexed, if that is still what was read. Where nothing is, nothing is kept."""
    place = _key(noun, org_id, subject_id)
    still: dict[str, Any] = {"condition": "attribute_not_exists(pk)"}
    if before.version:
        still = {"condition": "version = :version", "values": {":version": before.version}}
    if after.settled and not after.tokens:
        return Delete(table=noun.table, key=place, otherwise=Moved, **still)
    return Put(table=noun.table, item={**place, **after.model_dump()}, otherwise=Moved, **still)


def _key(noun: Noun, org_id: str, subject_id: str) -> Key:
    return {"pk": f"{org_id}#tail#{noun.name}", "sk": subject_id}
