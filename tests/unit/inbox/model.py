"""A brute-force model of inboxes, and the actions of a random history."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from switchboard.aws.writes import commit
from switchboard.inbox import service as inbox
from switchboard.inbox.models import InboxThing
from switchboard.inbox.unread import list_unread
from switchboard.kit import clock, ids

ORG, KIND = "org_test", "voicemails"


def count_thing(thing: InboxThing, org_id: str = ORG, kind: str = KIND) -> None:
    """Does what the worker of the projection does."""
    writes = inbox.count_thing_writes(org_id, kind, thing)
    if writes:
        commit(writes)


def new_thing() -> InboxThing:
    return InboxThing(ids.new_id("vm"), clock.now_iso())


def remove_thing(thing: InboxThing, org_id: str = ORG, kind: str = KIND) -> None:
    commit(inbox.removal_write(org_id, kind, thing))
    inbox.settle_removal(org_id, kind, thing)


def list_all_unread(user_id: str, limit: int = 7, org_id: str = ORG, kind: str = KIND) -> list[InboxThing]:
    """Returns all unread things of a member, page by page."""
    found: list[InboxThing] = []
    cursor = None
    while True:
        page = list_unread(org_id, kind, user_id, limit, cursor)
        assert len(page.things) <= limit
        found += page.things
        cursor = page.cursor
        if cursor is None:
            return found


@dataclass
class InboxModel:
    """What every member has read, as plain sets, beside the stored inbox."""

    users: list[str]
    chance: random.Random
    frozen: clock.FrozenClock
    made: list[InboxThing] = field(default_factory=list)
    #: Things whose event the projection has not taken yet.
    waiting: list[InboxThing] = field(default_factory=list)
    gone: set[InboxThing] = field(default_factory=set)
    read: dict[str, set[InboxThing]] = field(default_factory=dict)

    @property
    def alive(self) -> list[InboxThing]:
        return [thing for thing in self.made if thing not in self.gone]

    def unread(self, user_id: str) -> list[InboxThing]:
        """Returns the unread things of a member, the newest first."""
        found = [thing for thing in self.alive if thing not in self.read.setdefault(user_id, set())]
        return sorted(found, key=lambda thing: thing.place, reverse=True)

    def step(self) -> None:
        """Does one random action."""
        self.frozen.advance(seconds=self.chance.choice((0.002, 0.05, 3, 4_000)))
        act = self.chance.choice((self.make, self.make, self.project, self.mark, self.mark, self.mark_all, self.remove))
        act()

    def make(self) -> None:
        for _ in range(self.chance.randint(1, 3)):
            thing = new_thing()
            self.made.append(thing)
            self.waiting.append(thing)

    def project(self) -> None:
        """Takes some waiting events in any order, and repeats old ones."""
        self.chance.shuffle(self.waiting)
        for thing in self.waiting[: self.chance.randint(0, len(self.waiting))]:
            self.waiting.remove(thing)
            count_thing(thing)
        for thing in self.chance.choices(self.made, k=2) if self.made else ():
            count_thing(thing)
            if thing in self.waiting:
                self.waiting.remove(thing)

    def mark(self) -> None:
        if not self.made:
            return
        thing, user, read = self.chance.choice(self.made), self.chance.choice(self.users), self.chance.random() < 0.6
        known = self.read.setdefault(user, set())
        changed = inbox.set_read(ORG, KIND, user, thing, read=read)
        assert changed == (thing not in self.gone and (thing in known) != read)
        if thing in self.gone:
            return
        if changed and thing in self.waiting:
            self.waiting.remove(thing)
        known.add(thing) if read else known.discard(thing)

    def mark_all(self) -> None:
        if self.chance.random() < 0.6:
            return
        user = self.chance.choice(self.users)
        counted = [thing for thing in self.unread(user) if thing not in self.waiting]
        assert inbox.mark_all_read(ORG, KIND, user) == len(counted)
        self.read.setdefault(user, set()).update(self.alive)

    def remove(self) -> None:
        if self.alive and self.chance.random() < 0.5:
            thing = self.chance.choice(self.alive)
            remove_thing(thing)
            remove_again = self.chance.random() < 0.3
            if remove_again:
                inbox.settle_removal(ORG, KIND, thing)
            self.gone.add(thing)
            if thing in self.waiting and self.chance.random() < 0.5:
                self.waiting.remove(thing)

    def check(self) -> None:
        """Compares the stored inbox with the model, for every member."""
        for user in self.users:
            unread = self.unread(user)
            counted = [thing for thing in unread if thing not in self.waiting]
            assert inbox.count_unread(ORG, user, [KIND]) == {KIND: min(100, len(counted))}
            known = self.read.setdefault(user, set())
            # A marking of an uncounted thing that changes nothing leaves it uncounted.
            assert list_all_unread(user) == counted
            things = self.alive[-100:]
            assert inbox.are_read(ORG, KIND, user, things) == [thing in known for thing in things]
