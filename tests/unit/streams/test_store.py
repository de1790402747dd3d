"""Leases: maps that hold a limit and end by themselves."""

from __future__ import annotations

import pytest

from switchboard.aws import clock
from switchboard.streams import store
from switchboard.streams.store import key_of_org

ITEM = "streams#org_1"


@pytest.fixture(autouse=True)
def _cloud(cloud: dict[str, str]) -> None:
    pass


def take(stream: str, owner: str = "ann", *, limit: int = 2, item: str = ITEM, gone: tuple[str, ...] = ()) -> bool:
    (known,) = store.leases([item])
    return store.take(item, stream, owner, limit, known, gone)


def held(item: str = ITEM) -> set[str]:
    (known,) = store.leases([item])
    return set(store.running(known))


def test_an_item_holds_so_many_leases_and_no_more(frozen: clock.Frozen) -> None:
    assert take("a")
    assert take("b")
    assert not take("c")
    assert take("c", item=key_of_org("org_2"))
    store.release(ITEM, "a")
    assert take("c")
    assert not take("d")
    assert held() == {"b", "c"}


def test_a_lease_that_nobody_renews_ends_and_makes_room(frozen: clock.Frozen) -> None:
    take("a")
    take("b")
    frozen.advance(seconds=store.RENEWAL)
    assert store.renew(ITEM, ["b"]) == set()
    frozen.advance(seconds=store.LEASE - store.RENEWAL)
    assert held() == {"b"}
    assert take("c")
    assert not take("d")
    assert store.renew(ITEM, ["a", "b", "c"]) == {"a"}


def test_what_was_renewed_since_it_was_read_makes_no_room(frozen: clock.Frozen) -> None:
    take("a")
    take("b")
    frozen.advance(seconds=store.LEASE)
    (known,) = store.leases([ITEM])
    # The process was slow, and not dead.
    store.renew(ITEM, ["a", "b"])
    assert not store.take(ITEM, "c", "ann", 2, known)
    assert held() == {"a", "b"}


def test_two_that_read_the_same_do_not_both_take_the_last_place(frozen: clock.Frozen) -> None:
    take("a")
    (known,) = store.leases([ITEM])
    assert store.take(ITEM, "b", "ann", 2, known)
    assert not store.take(ITEM, "c", "bob", 2, known)
    nothing = None
    assert store.take("streams#new", "a", "ann", 1, nothing)
    assert not store.take("streams#new", "b", "bob", 1, nothing)


def test_a_stream_is_replaced_once(frozen: clock.Frozen) -> None:
    take("a")
    take("b")
    (known,) = store.leases([ITEM])
    assert store.take(ITEM, "c", "ann", 2, known, ["a"])
    assert not store.take(ITEM, "d", "ann", 2, known, ["a"])
    assert store.renew(ITEM, ["a", "b", "c"]) == {"a"}


def test_many_are_renewed_at_once(frozen: clock.Frozen) -> None:
    names = [f"str_{place:03d}" for place in range(60)]
    for name in names:
        assert take(name, limit=100)
    store.release(ITEM, names[3])
    frozen.advance(seconds=30)
    assert store.renew(ITEM, names) == {names[3]}
    frozen.advance(seconds=75)
    assert held() == {*names} - {names[3]}
    assert not take("late", limit=59)


def test_giving_back_what_is_not_held_does_nothing(frozen: clock.Frozen) -> None:
    store.release(ITEM, "a")
    take("a")
    store.release(ITEM, "b")
    assert store.renew(ITEM, ["a"]) == set()
    assert store.renew(key_of_org("org_2"), ["a"]) == {"a"}


def test_a_lease_of_the_release_before_is_read(frozen: clock.Frozen) -> None:
    until = int(clock.epoch()) + 60
    old = {"id": ITEM, "open": {"a": {"until": until, "owner": "ann"}}, "expiration": until}
    store.table.write(store.table.Put(table="ratelimit", item=old))
    assert held() == {"a"}
    assert take("b")
    assert store.renew(ITEM, ["a", "b"]) == set()
