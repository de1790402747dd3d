"""The limit of open streams: leases that end by themselves."""

from __future__ import annotations

import pytest

from switchboard.aws import clock
from switchboard.streams import store


@pytest.fixture(autouse=True)
def _cloud(cloud: dict[str, str]) -> None:
    pass


def take(stream: str, owner: str = "ann", *, limit: int = 2, resumed: bool = False, org: str = "org_1") -> None:
    store.take(org, stream, owner, limit, resumed=resumed)


def test_so_many_streams_are_open_and_no_more(frozen: clock.Frozen) -> None:
    take("a")
    take("b")
    with pytest.raises(store.FullError):
        take("c")
    take("c", org="org_2")
    store.release("org_1", "a")
    take("c")
    with pytest.raises(store.FullError):
        take("d")


def test_a_lease_that_nobody_renews_ends(frozen: clock.Frozen) -> None:
    take("a")
    take("b")
    frozen.advance(seconds=store.RENEWAL)
    assert store.renew("org_1", ["b"]) == set()
    frozen.advance(seconds=store.LEASE - store.RENEWAL)
    take("c")
    with pytest.raises(store.FullError):
        take("d")
    assert store.renew("org_1", ["a", "b", "c"]) == {"a"}


def test_a_resumed_stream_takes_the_place_of_its_clients_oldest(frozen: clock.Frozen) -> None:
    take("a")
    take("b")
    with pytest.raises(store.FullError):
        take("c")
    with pytest.raises(store.FullError):
        take("c", "bob", resumed=True)
    take("c", resumed=True)
    assert store.renew("org_1", ["a", "b", "c"]) == {"a"}


def test_many_are_renewed_at_once(frozen: clock.Frozen) -> None:
    names = [f"str_{place:03d}" for place in range(60)]
    for name in names:
        take(name, limit=100)
    store.release("org_1", names[3])
    frozen.advance(seconds=30)
    assert store.renew("org_1", names) == {names[3]}
    frozen.advance(seconds=45)
    with pytest.raises(store.FullError):
        take("late", limit=59)


def test_a_limit_of_nothing_lets_nobody_in(frozen: clock.Frozen) -> None:
    take("a", limit=1)
    with pytest.raises(store.FullError):
        take("b", limit=1, org="org_1")


def test_giving_back_what_is_not_held_does_nothing(frozen: clock.Frozen) -> None:
    store.release("org_1", "a")
    take("a")
    store.release("org_1", "b")
    assert store.renew("org_1", ["a"]) == set()
    assert store.renew("org_2", ["a"]) == {"a"}
