"""Leases: maps that hold a limit and end by themselves."""

from __future__ import annotations

import pytest

from switchboard.aws.writes import Put, write_item
from switchboard.kit import clock
from switchboard.streams import store
from switchboard.streams.store import organization_item_id

ITEM = "streams#org_1"


@pytest.fixture(autouse=True)
def _cloud(cloud: dict[str, str]) -> None:
    pass


def take(stream: str, owner: str = "ann", *, limit: int = 2, item: str = ITEM, gone: tuple[str, ...] = ()) -> bool:
    (known,) = store.get_leases([item])
    return store.take_lease(item, stream, owner, limit, known, gone)


def held(item: str = ITEM) -> set[str]:
    (known,) = store.get_leases([item])
    return set(store.running_leases(known))


def test_an_item_holds_so_many_leases_and_no_more(frozen: clock.FrozenClock) -> None:
    assert take("a")
    assert take("b")
    assert not take("c")
    assert take("c", item=organization_item_id("org_2"))
    store.release_lease(ITEM, "a")
    assert take("c")
    assert not take("d")
    assert held() == {"b", "c"}


def test_a_lease_that_nobody_renews_ends_and_makes_room(frozen: clock.FrozenClock) -> None:
    take("a")
    take("b")
    frozen.advance(seconds=store.RENEWAL_SECONDS)
    assert store.renew_leases(ITEM, ["b"]) == set()
    frozen.advance(seconds=store.LEASE_SECONDS - store.RENEWAL_SECONDS)
    assert held() == {"b"}
    assert take("c")
    assert not take("d")
    assert store.renew_leases(ITEM, ["a", "b", "c"]) == {"a"}


def test_what_was_renewed_since_it_was_read_makes_no_room(frozen: clock.FrozenClock) -> None:
    take("a")
    take("b")
    frozen.advance(seconds=store.LEASE_SECONDS)
    (known,) = store.get_leases([ITEM])
    # The process was slow, and not dead.
    store.renew_leases(ITEM, ["a", "b"])
    assert not store.take_lease(ITEM, "c", "ann", 2, known)
    assert held() == {"a", "b"}


def test_two_that_read_the_same_do_not_both_take_the_last_place(frozen: clock.FrozenClock) -> None:
    take("a")
    (known,) = store.get_leases([ITEM])
    assert store.take_lease(ITEM, "b", "ann", 2, known)
    assert not store.take_lease(ITEM, "c", "bob", 2, known)
    nothing = None
    assert store.take_lease("streams#new", "a", "ann", 1, nothing)
    assert not store.take_lease("streams#new", "b", "bob", 1, nothing)


def test_a_stream_is_replaced_once(frozen: clock.FrozenClock) -> None:
    take("a")
    take("b")
    (known,) = store.get_leases([ITEM])
    assert store.take_lease(ITEM, "c", "ann", 2, known, ["a"])
    assert not store.take_lease(ITEM, "d", "ann", 2, known, ["a"])
    assert store.renew_leases(ITEM, ["a", "b", "c"]) == {"a"}


def test_many_are_renewed_at_once(frozen: clock.FrozenClock) -> None:
    names = [f"str_{place:03d}" for place in range(60)]
    for name in names:
        assert take(name, limit=100)
    store.release_lease(ITEM, names[3])
    frozen.advance(seconds=30)
    assert store.renew_leases(ITEM, names) == {names[3]}
    frozen.advance(seconds=75)
    assert held() == {*names} - {names[3]}
    assert not take("late", limit=59)


def test_giving_back_what_is_not_held_does_nothing(frozen: clock.FrozenClock) -> None:
    store.release_lease(ITEM, "a")
    take("a")
    store.release_lease(ITEM, "b")
    assert store.renew_leases(ITEM, ["a"]) == set()
    assert store.renew_leases(organization_item_id("org_2"), ["a"]) == {"a"}


def test_a_lease_of_the_release_before_is_read(frozen: clock.FrozenClock) -> None:
    until = int(clock.epoch()) + 60
    old = {"id": ITEM, "open": {"a": {"until": until, "owner": "ann"}}, "expiration": until}
    write_item(Put(table="ratelimit", item=old))
    assert held() == {"a"}
    assert take("b")
    assert store.renew_leases(ITEM, ["a", "b"]) == set()
