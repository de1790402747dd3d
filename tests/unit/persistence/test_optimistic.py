"""A change applies to the current state, even if others change it concurrently."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from switchboard.aws import reads, writes
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Put
from switchboard.errors import Contended
from switchboard.persistence.idempotency import (
    EarlierEffect,
    IdempotencyKey,
    IdempotencyMismatch,
    commit_once,
    find_earlier_effect,
)
from switchboard.persistence.optimistic import (
    AlreadyRecordedError,
    StaleVersionError,
    change_object,
    record_once,
    retry_on_conflict,
)

KEY = {"pk": "thing", "sk": "thing"}


@dataclass(frozen=True)
class Thing:
    version: int
    marks: tuple[str, ...] = ()


def load_thing() -> Thing | None:
    item = reads.get_item("core", KEY)
    return Thing(item["version"], tuple(item["marks"])) if item else None


def save_thing(thing: Thing) -> Put:
    return Put(
        table="core",
        item={**KEY, "version": thing.version, "marks": list(thing.marks)},
        condition="version = :before",
        values={":before": thing.version - 1},
    )


def add_mark(text: str, thing: Thing) -> tuple[Thing, None] | None:
    if text in thing.marks:
        return None
    return replace(thing, version=thing.version + 1, marks=(*thing.marks, text)), None


@pytest.fixture
def thing(cloud: dict[str, str]) -> None:
    writes.write_item(Put(table="core", item={**KEY, "version": 1, "marks": []}))


@pytest.mark.usefixtures("thing")
def test_a_change_is_decided_again_after_a_conflict() -> None:
    calls = 0

    def decide(before: Thing) -> tuple[Thing, None] | None:
        nonlocal calls
        calls += 1
        if calls < 4:
            change_object(load_thing, lambda one: add_mark(f"another {calls}", one), save_thing)
        return add_mark("ours", before)

    after = change_object(load_thing, decide, save_thing)
    assert after == load_thing()
    assert after is not None
    assert after.marks == ("another 1", "another 2", "another 3", "ours")


@pytest.mark.usefixtures("thing")
def test_no_decision_writes_nothing() -> None:
    assert change_object(load_thing, lambda _: None, save_thing) is None
    assert load_thing() == Thing(1)
    assert change_object(lambda: None, lambda thing: add_mark("ours", thing), save_thing) is None


@pytest.mark.usefixtures("thing")
def test_endless_conflicts_raise_contended() -> None:
    def decide(before: Thing) -> tuple[Thing, None] | None:
        change_object(load_thing, lambda one: add_mark(f"another {one.version}", one), save_thing)
        return add_mark("ours", before)

    with pytest.raises(Contended) as refused:
        change_object(load_thing, decide, save_thing)
    assert str(refused.value) == "Other requests are changing this at the same time: try again in a second."
    assert refused.value.details == {"retry_after": 1}


@pytest.mark.usefixtures("thing")
def test_an_earlier_record_is_not_changed() -> None:
    fact = Put(table="core", item={"pk": "thing", "sk": "fact"}, unless_exists=True, otherwise=AlreadyRecordedError)

    def decide(before: Thing) -> tuple[Thing, Put]:
        return replace(before, version=before.version + 1), fact

    assert change_object(load_thing, decide, save_thing) == Thing(2)
    assert change_object(load_thing, decide, save_thing) is None
    assert load_thing() == Thing(2)


@pytest.mark.usefixtures("cloud")
def test_a_fact_is_recorded_once_together_with_its_writes() -> None:
    fact = Put(table="core", item={"pk": "thing", "sk": "fact"}, unless_exists=True, otherwise=AlreadyRecordedError)
    assert record_once(fact, Put(table="core", item={"pk": "one", "sk": "made"}))
    assert not record_once(fact, Put(table="core", item={"pk": "two", "sk": "made"}))
    assert (list_made("one") is not None, list_made("two")) == (True, None)


def test_other_exceptions_reach_the_caller() -> None:
    def attempt() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        retry_on_conflict(attempt)


def test_the_exceptions_of_a_write_say_what_happened() -> None:
    # A write raises them with the items that it met, which may hold what nobody should read.
    assert [str(error([{"secret": "x"}])) for error in (StaleVersionError, AlreadyRecordedError)] == [
        "changed since it was read",
        "already recorded",
    ]


@pytest.mark.usefixtures("thing")
def test_a_write_that_has_moved_is_decided_again() -> None:
    attempts = []

    def attempt() -> str:
        attempts.append(1)
        if len(attempts) < 3:
            raise StaleVersionError
        return "done"

    assert (retry_on_conflict(attempt), len(attempts)) == ("done", 3)


def make_effect(fingerprint: str = "a") -> IdempotencyKey:
    return IdempotencyKey(scope="org_1", key="key", fingerprint=fingerprint)


def list_made(name: str) -> Item | None:
    return reads.get_item("core", {"pk": name, "sk": "made"})


@pytest.mark.usefixtures("cloud")
def test_an_effect_is_committed_once_and_a_repeat_returns_its_result() -> None:
    first, second = make_effect(), make_effect()
    assert find_earlier_effect(first) is None
    assert commit_once(first, "one", Put(table="core", item={"pk": "one", "sk": "made"})) is None
    assert commit_once(second, "two", Put(table="core", item={"pk": "two", "sk": "made"})) == EarlierEffect(
        "one", first.salt
    )
    assert find_earlier_effect(second) == EarlierEffect("one", first.salt)
    assert list_made("one")
    assert not list_made("two")


@pytest.mark.usefixtures("cloud")
def test_a_key_of_another_request_is_refused_with_nothing_written() -> None:
    commit_once(make_effect(), "one", Put(table="core", item={"pk": "one", "sk": "made"}))
    with pytest.raises(IdempotencyMismatch):
        commit_once(make_effect("b"), "two", Put(table="core", item={"pk": "two", "sk": "made"}))
    with pytest.raises(IdempotencyMismatch):
        find_earlier_effect(make_effect("b"))
    assert not list_made("two")


@pytest.mark.usefixtures("cloud")
def test_without_a_key_every_run_is_new() -> None:
    for _ in range(2):
        assert commit_once(None, "one", Put(table="core", item={"pk": "one", "sk": "made"})) is None
    assert find_earlier_effect(None) is None


def test_a_change_of_a_request_happens_once_and_is_found_by_its_key(thing: None) -> None:
    """The change, its other writes and the marker of the request are one commit."""
    key = IdempotencyKey(scope="org", key="k", fingerprint="f")
    beside = Put(table="core", item={"pk": "beside", "sk": "beside"})

    def decide(before: Thing) -> tuple[Thing, Put]:
        return replace(before, version=before.version + 1, marks=(*before.marks, "x")), beside

    changed = change_object(load_thing, decide, save_thing, once=key, subject_id="thing_1")
    assert changed == load_thing() == Thing(2, ("x",))
    assert reads.get_item("core", {"pk": "beside", "sk": "beside"})
    assert change_object(load_thing, decide, save_thing, once=key, subject_id="thing_1") is None
    assert load_thing() == Thing(2, ("x",))
    earlier = find_earlier_effect(key)
    assert earlier
    assert earlier.subject_id == "thing_1"
