"""Inboxes: each member's read state is right for any order of things, marks, removals and repeats."""

from __future__ import annotations

import random

import pytest

from switchboard.aws import reads
from switchboard.aws.reads import Query
from switchboard.aws.writes import commit
from switchboard.errors import Invalid
from switchboard.inbox import service as inbox
from switchboard.inbox import store
from switchboard.inbox.models import InboxThing
from switchboard.inbox.unread import list_unread
from switchboard.kit import clock
from tests.unit.inbox.model import KIND, ORG, InboxModel, count_thing, list_all_unread, new_thing, remove_thing

ADA, BOB = "usr_ada", "usr_bob"

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def things(frozen: clock.FrozenClock) -> list[InboxThing]:
    """Five counted things, the oldest first."""
    made = []
    for _ in range(5):
        frozen.advance(seconds=1)
        made.append(new_thing())
        count_thing(made[-1])
    return made


def unread(user_id: str) -> int:
    return inbox.count_unread(ORG, user_id, [KIND])[KIND]


@pytest.mark.parametrize("seed", range(40))
def test_any_history_agrees_with_the_model(seed: int, frozen: clock.FrozenClock) -> None:
    model = InboxModel([ADA, BOB, "usr_never"], random.Random(seed), frozen)
    for number in range(60):
        model.step()
        if number % 6 == 0:
            model.check()
    while model.waiting:
        model.project()
    model.check()


def test_a_member_who_never_looked_has_read_nothing(things: list[InboxThing]) -> None:
    assert (unread(ADA), list_all_unread(ADA)) == (5, things[::-1])
    assert inbox.are_read(ORG, KIND, ADA, things) == [False] * 5


def test_marking_all_is_for_one_member_and_leaves_later_things_unread(
    things: list[InboxThing], frozen: clock.FrozenClock
) -> None:
    inbox.set_read(ORG, KIND, ADA, things[2], read=True)
    assert inbox.mark_all_read(ORG, KIND, ADA) == 4
    assert inbox.mark_all_read(ORG, KIND, ADA) == 0
    frozen.advance(seconds=1)
    later = new_thing()
    count_thing(later)
    assert (unread(ADA), unread(BOB)) == (1, 6)
    assert list_all_unread(ADA) == [later]


def test_a_thing_that_is_not_counted_yet_can_be_read_and_is_counted_once(things: list[InboxThing]) -> None:
    new = new_thing()
    assert unread(ADA) == 5
    inbox.set_read(ORG, KIND, ADA, new, read=True)
    assert (unread(ADA), unread(BOB)) == (5, 6)
    count_thing(new)
    assert (unread(ADA), unread(BOB)) == (5, 6)


def test_a_thing_that_is_counted_late_is_read_for_those_who_marked_all(
    things: list[InboxThing], frozen: clock.FrozenClock
) -> None:
    late = new_thing()
    frozen.advance(seconds=1)
    inbox.mark_all_read(ORG, KIND, ADA)
    count_thing(late)
    assert (unread(ADA), unread(BOB)) == (0, 6)


@pytest.mark.parametrize("counted", [True, False])
def test_a_removed_thing_is_gone_for_every_member_and_for_late_events(
    things: list[InboxThing], frozen: clock.FrozenClock, counted: bool
) -> None:
    frozen.advance(seconds=1)
    thing = new_thing()
    if counted:
        count_thing(thing)
        inbox.set_read(ORG, KIND, ADA, thing, read=True)
    remove_thing(thing)
    count_thing(thing)
    inbox.settle_removal(ORG, KIND, thing)
    assert not inbox.set_read(ORG, KIND, BOB, thing, read=True)
    assert [unread(user) for user in (ADA, BOB, "usr_never")] == [5, 5, 5]


def test_the_removal_is_right_for_more_members_than_one_commit_takes(things: list[InboxThing]) -> None:
    members = [f"usr_{number:03}" for number in range(90)]
    for member in members:
        inbox.set_read(ORG, KIND, member, things[0], read=True)
    remove_thing(things[0])
    assert {unread(member) for member in members} == {4}
    assert {state.read_flags for _, state in store.list_states(ORG, KIND)} == {0}


def test_inboxes_of_organizations_and_kinds_are_apart(things: list[InboxThing]) -> None:
    count_thing(things[0], "org_other")
    inbox.mark_all_read("org_other", KIND, ADA)
    assert inbox.count_unread(ORG, ADA, [KIND, "calls"]) == {KIND: 5, "calls": 0}
    assert inbox.count_unread("org_other", ADA, [KIND]) == {KIND: 0}


def test_counts_end_at_a_hundred(frozen: clock.FrozenClock) -> None:
    for _ in range(101):
        count_thing(new_thing())
    assert unread(ADA) == 100
    frozen.advance(seconds=1)
    assert inbox.mark_all_read(ORG, KIND, ADA) == 101


def test_the_list_goes_on_below_many_read_things(things: list[InboxThing], frozen: clock.FrozenClock) -> None:
    for _ in range(510):
        frozen.advance(seconds=1)
        new = new_thing()
        count_thing(new)
        inbox.set_read(ORG, KIND, ADA, new, read=True)
    first = list_unread(ORG, KIND, ADA, 3, None)
    assert first.things == []
    assert first.cursor is not None
    assert list_all_unread(ADA, 3) == things[::-1]


def test_the_list_has_a_range_and_its_cursor_belongs_to_the_member(things: list[InboxThing]) -> None:
    inbox.mark_all_read(ORG, KIND, ADA)
    for thing in things:
        inbox.set_read(ORG, KIND, ADA, thing, read=False)
    page = list_unread(ORG, KIND, ADA, 2, None, since=things[1].created_at, before=things[4].created_at)
    assert page.things == [things[3], things[2]]
    rest = list_unread(ORG, KIND, ADA, 2, page.cursor, since=things[1].created_at, before=things[4].created_at)
    assert (rest.things, rest.cursor) == ([things[1]], None)
    with pytest.raises(Invalid):
        list_unread(ORG, KIND, BOB, 2, page.cursor, since=things[1].created_at, before=things[4].created_at)


def test_a_stopped_removal_is_finished_by_the_next_run(things: list[InboxThing]) -> None:
    inbox.set_read(ORG, KIND, ADA, things[0], read=True)
    commit(inbox.removal_write(ORG, KIND, things[0]))
    assert not inbox.set_read(ORG, KIND, BOB, things[0], read=True)
    inbox.settle_removal(ORG, KIND, things[0])
    inbox.settle_removal(ORG, KIND, things[0])
    assert (unread(ADA), unread(BOB)) == (4, 4)
    assert list(Query(table="core", partition=f"{ORG}#inbox-flags#{KIND}#{ADA}").read_all()) == []


def test_a_state_that_was_read_too_early_does_not_decide_what_is_marked(things: list[InboxThing]) -> None:
    early = inbox.ReadState()
    inbox.set_read(ORG, KIND, ADA, things[0], read=True)
    assert inbox.mark_all_read(ORG, KIND, ADA, state=early) == len(things) - 1
    assert unread(ADA) == 0


def test_states_that_were_read_already_give_the_same_counts_and_list(things: list[InboxThing]) -> None:
    inbox.set_read(ORG, KIND, ADA, things[1], read=True)
    states = reads.read_refs(*inbox.state_refs(KIND)(ORG, ADA))
    assert inbox.count_unread(ORG, ADA, [KIND], states) == {KIND: len(things) - 1}
    assert list_unread(ORG, KIND, ADA, 10, None, state=states[0]).things == list_unread(ORG, KIND, ADA, 10, None).things
    assert inbox.count_unread(ORG, BOB, [KIND], [None]) == {KIND: len(things)}
