"""The tail of subjects' entries: tokens that are indexed after the subject, in separate transactions.

A noun uses it with a `TailSource`, passes its tails to `index.SearchSubject`, and calls `update_tails` in the job of
each event that changes a subject.

The item of the tail's tokens (`TailState`) is a write-ahead record. Before any entry is written, it lists the old and
the new tokens as not settled. After all entries are written, it lists only the new tokens. So a job that continues
after a stopped one knows every entry that may exist.

Each transaction requires that the subject still has the revision that was read. So no job writes entries of an older
revision. If the subject has changed, the job of that change does the rest, because it starts after the change. A
deleted subject has no revision, and may have been created again since. For it, the version of that item shows
whether another job has written.

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

from switchboard import telemetry
from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.writes import ConditionCheck, Delete, Put, Writes, commit
from switchboard.kit import ids
from switchboard.persistence.optimistic import StaleVersionError, retry_on_conflict
from switchboard.search import index
from switchboard.search.index import SearchNoun

#: The maximum number of entries in one transaction. The transaction also checks the subject.
_ENTRIES_PER_COMMIT = 90
#: The number of subjects in one read.
_SUBJECTS_PER_READ = 100


class TailState(BaseModel):
    """The tokens of a tail that may be in the index. If `settled`, exactly these tokens are in the index."""

    tokens: list[str] = Field(default_factory=list)
    settled: bool = True
    #: A new id at each write. `None` before the first write.
    version: str | None = None


@dataclass(frozen=True, slots=True)
class CurrentTail:
    """A subject's current revision, and the tokens that its tail should have."""

    revision: str
    tokens: Collection[str]


class TailSource(Protocol):
    """A noun with tails. The items of its subjects have an attribute `revision`.

    Each change gives a new revision. A revision is never used twice, not even for a subject that was deleted and
    created again.
    """

    @property
    def noun(self) -> SearchNoun: ...

    def subject_key(self, org_id: str, subject_id: str) -> Key:
        """Returns the key of the subject's item in the noun's table."""

    def get_current_tails(self, org_id: str, subject_ids: Sequence[str]) -> Sequence[CurrentTail | None]:
        """Returns up to 100 subjects in the order of the ids, read consistently. `None` means a missing subject."""


def update_tails(source: TailSource, org_id: str, subject_ids: Sequence[str]) -> None:
    """Updates the tails of subjects to their current tokens. Deleted subjects lose all entries.

    Raises Contended if other jobs keep indexing the same subjects. The queue then delivers the job again.
    """
    for begin in range(0, len(subject_ids), _SUBJECTS_PER_READ):
        retry_on_conflict(partial(_update_tails, source, org_id, subject_ids[begin : begin + _SUBJECTS_PER_READ]))


def new_tail_writes(noun: SearchNoun, org_id: str, subject_id: str, tokens: Collection[str]) -> list[Put]:
    """Returns the writes of a new subject's tail, for a bulk load during which no job runs."""
    if not tokens:
        return []
    state = TailState(tokens=sorted(tokens), version=ids.new_id("idx"))
    return [
        *(index.entry_write(noun, org_id, subject_id, "tail", token) for token in tokens),
        Put(table=noun.table, item={**_key(noun, org_id, subject_id), **state.model_dump()}),
    ]


class _RevisionChangedError(Exception):
    """The subject has another revision now."""

    def __init__(self, _: list[Item | None]) -> None:
        super().__init__("the subject has changed")


def _update_tails(source: TailSource, org_id: str, subject_ids: Sequence[str]) -> None:
    # The order matters: a subject that changes after this read has its own job, which reads the state later.
    subjects = source.get_current_tails(org_id, subject_ids)
    states = _read_states(source.noun, org_id, subject_ids)
    for subject_id, subject, state in zip(subject_ids, subjects, states, strict=True):
        wanted = sorted(subject.tokens) if subject else []
        if state.settled and state.tokens == wanted:
            telemetry.log_skip("the search index is up to date", org_id=org_id, subject_id=subject_id)
            continue
        try:
            _Tail(source, org_id, subject_id, subject, state).write_tokens(wanted)
        except _RevisionChangedError:
            telemetry.log_skip("a later change has its own job", org_id=org_id, subject_id=subject_id)


class _Tail:
    """The tail of one subject's entries, as it was read."""

    def __init__(
        self, source: TailSource, org_id: str, subject_id: str, subject: CurrentTail | None, state: TailState
    ) -> None:
        self._noun, self._org_id, self._subject_id, self._state = source.noun, org_id, subject_id, state
        self._check = _revision_check(source, org_id, subject_id, subject.revision if subject else None)

    def write_tokens(self, wanted: list[str]) -> None:
        """Writes the entries of these tokens, and deletes all others.

        Raises StaleVersionError if another job writes them too.
        """
        # The tokens of an unsettled state may or may not be in the index.
        there = set(self._state.tokens) if self._state.settled else set()
        gone = sorted(set(self._state.tokens) - set(wanted))
        place = (self._noun, self._org_id, self._subject_id)
        self._save_state(sorted({*self._state.tokens, *wanted}), settled=False)
        writes = [
            *(index.entry_write(*place, "tail", token) for token in wanted if token not in there),
            *(index.entry_delete_write(*place, "tail", token) for token in gone),
        ]
        for begin in range(0, len(writes), _ENTRIES_PER_COMMIT):
            self._commit_checked(writes[begin : begin + _ENTRIES_PER_COMMIT])
        self._save_state(wanted, settled=True)

    def _save_state(self, tokens: list[str], *, settled: bool) -> None:
        after = TailState(tokens=tokens, settled=settled, version=ids.new_id("idx"))
        self._commit_checked(_state_write(self._noun, self._org_id, self._subject_id, self._state, after))
        self._state = after

    def _commit_checked(self, part: Writes) -> None:
        commit(self._check, part)


def _revision_check(source: TailSource, org_id: str, subject_id: str, revision: str | None) -> ConditionCheck:
    """Returns the check that a subject still has a revision. `None` means that the subject must not exist."""
    still: dict[str, Any] = {"condition": "attribute_not_exists(pk)"}
    if revision is not None:
        still = {"condition": "revision = :revision", "values": {":revision": revision}}
    return ConditionCheck(
        table=source.noun.table, key=source.subject_key(org_id, subject_id), otherwise=_RevisionChangedError, **still
    )


def _read_states(noun: SearchNoun, org_id: str, subject_ids: Sequence[str]) -> list[TailState]:
    """Returns the indexed tokens of each tail."""
    items = reads.get_items(noun.table, [_key(noun, org_id, subject_id) for subject_id in subject_ids])
    return [TailState.model_validate(item) if item else TailState() for item in items]


def _state_write(noun: SearchNoun, org_id: str, subject_id: str, before: TailState, after: TailState) -> Put | Delete:
    """Returns the write of the indexed tokens, if the item is still as it was read. It deletes an empty item."""
    place = _key(noun, org_id, subject_id)
    still: dict[str, Any] = {"condition": "attribute_not_exists(pk)"}
    if before.version:
        still = {"condition": "version = :version", "values": {":version": before.version}}
    if after.settled and not after.tokens:
        return Delete(table=noun.table, key=place, otherwise=StaleVersionError, **still)
    return Put(table=noun.table, item={**place, **after.model_dump()}, otherwise=StaleVersionError, **still)


def _key(noun: SearchNoun, org_id: str, subject_id: str) -> Key:
    return {"pk": f"{org_id}#tail#{noun.name}", "sk": subject_id}
