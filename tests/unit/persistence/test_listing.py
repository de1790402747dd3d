"""Lists: each filter has its own entries, pages are full, and objects are read again before an index entry counts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.aws import reads, writes
from switchboard.aws.reads import Query
from switchboard.aws.writes import Put, commit
from switchboard.errors import Invalid
from switchboard.persistence.listing import Listing, ListView, place_of, read_query_page
from tests.integration.sabotage import Sabotage
from tests.unit.properties import example_settings

pytestmark = pytest.mark.usefixtures("cloud")

ORG = "org_1"
LISTING = Listing(
    "activity",
    "things",
    (
        ListView(index="gsi2"),
        ListView(index="gsi1", by=("owner",)),
        ListView(index="gsi3", by=("state",), shards=3),
        ListView(by=("label",)),
    ),
)


def make_thing(number: int, owner: str | None, state: str, labels: tuple[str, ...] = (), org: str = ORG) -> None:
    id_ = f"thing_{number:03d}"
    place = place_of(f"2026-01-15T17:{number // 60:02d}:{number % 60:02d}.000Z", id_)
    key = {"pk": f"{org}#thing#{id_}", "sk": "thing"}
    before = reads.get_item("activity", key) or {}
    item = {**key, "id": id_, "owner": owner, "state": state, "label": list(labels)}
    values = {"owner": owner, "state": state}
    commit(
        Put(table="activity", item=item | LISTING.index_attributes(org, place, values)),
        LISTING.entry_writes(org, place, key, "label", before.get("label", ()), labels),
    )


def list_pages(limit: int, **wanted: list[str]) -> list[list[str]]:
    found, cursor = [], None
    while True:
        page = LISTING.read_page(ORG, wanted, limit, cursor)
        found.append([item["id"] for item in page.items])
        cursor = page.cursor
        if cursor is None:
            return found


def list_all(limit: int, **wanted: list[str]) -> list[str]:
    return [id_ for page in list_pages(limit, **wanted) for id_ in page]


OWNERS, STATES, LABELS = ("ada", "bob", None), ("new", "done", "failed"), ("red", "blue")


@given(
    st.lists(
        st.tuples(st.sampled_from(OWNERS), st.sampled_from(STATES), st.sets(st.sampled_from(LABELS))), max_size=12
    ),
    st.integers(1, 5),
)
@example_settings(15, slow=True)
def test_any_filters_return_each_match_once_newest_first(
    made: list[tuple[str | None, str, set[str]]], limit: int
) -> None:
    for number in range(12):
        make_thing(number, None, "gone")
    for number, (owner, state, labels) in enumerate(made):
        make_thing(number, owner, state, tuple(sorted(labels)))
    things = [(f"thing_{number:03d}", *one) for number, one in enumerate(made)][::-1]
    assert list_all(limit, state=["new", "failed"]) == [id_ for id_, _, state, _ in things if state != "done"]
    assert list_all(limit, owner=["ada"]) == [id_ for id_, owner, _, _ in things if owner == "ada"]
    assert list_all(limit, label=["red", "blue"]) == [id_ for id_, _, _, labels in things if labels]
    both = list_all(limit, owner=["ada", "bob"], state=["done"])
    assert both == [id_ for id_, owner, state, _ in things if owner and state == "done"]


def test_a_page_with_exactly_the_rest_is_the_last() -> None:
    for number in range(6):
        make_thing(number, "ada", "new")
    assert list_pages(3) == [["thing_005", "thing_004", "thing_003"], ["thing_002", "thing_001", "thing_000"]]
    assert list_pages(6) == [[f"thing_{number:03d}" for number in range(5, -1, -1)]]


@pytest.mark.parametrize("room", [0, 1, 2, 5])
def test_a_page_fits_into_its_response_and_the_next_continues(room: int) -> None:
    for number in range(7):
        make_thing(number, "ada", "new" if number % 2 else "done")
    for wanted in ({}, {"state": ["new"]}):
        found, cursor, expected = [], None, list_all(9, **wanted)
        while True:
            page = LISTING.read_page(ORG, wanted, 4, cursor, fitting=lambda items: min(room, len(items)))
            assert 1 <= len(page.items) <= max(1, min(room, 4))
            found += [item["id"] for item in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        assert found == expected


def test_a_page_of_rare_matches_takes_two_round_trips() -> None:
    for number in range(60):
        make_thing(number, "ada", "failed" if number == 7 else "done")
    saboteur = Sabotage()
    with saboteur.counting() as calls:
        assert list_all(50, state=["failed"]) == ["thing_007"]
    assert (calls.count("Query"), calls.count("BatchGetItem")) == (3, 1), "a query for each shard, then the things"


def test_lists_show_their_own_organization_only() -> None:
    make_thing(1, "ada", "new", ("red",), org="org_2")
    for wanted in ({}, {"owner": ["ada"]}, {"state": ["new"]}, {"label": ["red"]}):
        assert list_all(5, **wanted) == []


@pytest.mark.parametrize("other", [{}, {"state": ["done"]}, {"state": ["new", "done"]}, {"owner": ["new"]}])
def test_a_cursor_works_for_its_own_query_only(other: dict[str, list[str]]) -> None:
    for number in range(3):
        make_thing(number, "ada", "new")
    cursor = LISTING.read_page(ORG, {"state": ["new"]}, 1, None).cursor
    with pytest.raises(Invalid):
        LISTING.read_page(ORG, other, 1, cursor)
    with pytest.raises(Invalid):
        LISTING.read_page("org_2", {"state": ["new"]}, 1, cursor)
    assert LISTING.read_page(ORG, {"state": ["new"]}, 1, cursor).items[0]["id"] == "thing_001"


def test_stale_index_entries_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        make_thing(number, "ada", "new")
    stale = reads.Query.read_keys

    def late(query: reads.Query, *arguments: Any) -> Any:
        found = stale(query, *arguments)
        monkeypatch.setattr(reads.Query, "read_keys", stale)
        make_thing(1, "ada", "done")
        return found

    monkeypatch.setattr(reads.Query, "read_keys", late)
    assert list_all(5, state=["new"]) == ["thing_002", "thing_000"]


def test_an_object_that_moves_between_two_queried_partitions_stays_in_the_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_thing(1, None, "new")
    keys = Query.read_keys
    before: dict[str, Any] = {}

    def behind(query: Query, *args: Any) -> Any:
        """Each partition as it was before the move."""
        found = keys(query, *args)
        return before.setdefault(query.partition, found) if found.items else before.get(query.partition, found)

    monkeypatch.setattr(Query, "read_keys", behind)
    for state in ("done", "failed"):
        assert list_all(5, state=["new", "done", "failed"]) == ["thing_001"]
        make_thing(1, None, state)
    assert list_all(5, state=["new", "done", "failed"]) == ["thing_001"]
    assert list_all(5, state=["new", "done"]) == []


def test_an_index_holds_keys_only() -> None:
    make_thing(1, "ada", "new")
    (entry,) = reads.Query(table="activity", index="gsi1", partition=f"{ORG}#list#things#owner=ada").read_keys(5).items
    assert entry.keys() == {"pk", "sk", "gsi1pk", "gsi1sk"}


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 10])
def test_a_plain_query_is_paged_to_its_end_and_no_further(limit: int) -> None:
    writes.put_items("core", [{"pk": ORG, "sk": f"thing#{number}"} for number in range(10)])
    query, found, after, pages = Query(table="core", partition=ORG, begins="thing#"), list[str](), None, 0
    while True:
        page, after = read_query_page(query, lambda item: str(item["sk"]), ORG, "things", limit, after)
        found, pages = found + page, pages + 1
        if after is None:
            break
    assert (found, pages) == ([f"thing#{number}" for number in range(10)], -(-10 // limit))


def test_a_cursor_of_a_plain_query_is_bound_to_its_list() -> None:
    writes.put_items("core", [{"pk": ORG, "sk": str(number)} for number in range(3)])
    query = Query(table="core", partition=ORG)
    _, after = read_query_page(query, dict, ORG, "things", 1, None)
    for org_id, name in (("org_2", "things"), (ORG, "others")):
        with pytest.raises(Invalid):
            read_query_page(query, dict, org_id, name, 1, after)


def test_a_time_window_includes_both_ends_on_every_page() -> None:
    for number in range(8):
        make_thing(number, "ada", "new", ("red",))
    moments = [f"2026-01-15T17:00:{number:02d}.000Z" for number in range(8)]

    def within(limit: int, since: str | None, until: str | None, **wanted: list[str]) -> list[str]:
        found, cursor = [], None
        while True:
            page = LISTING.read_page(ORG, wanted, limit, cursor, since=since, until=until)
            found += [item["id"] for item in page.items]
            cursor = page.cursor
            if cursor is None:
                return found

    for wanted in ({}, {"owner": ["ada"]}, {"state": ["new"]}, {"label": ["red"]}):
        for limit in (1, 2, 4, 9):
            assert within(limit, moments[2], moments[5], **wanted) == [f"thing_{n:03d}" for n in (5, 4, 3, 2)]
            assert within(limit, moments[6], None, **wanted) == ["thing_007", "thing_006"]
            assert within(limit, None, moments[1], **wanted) == ["thing_001", "thing_000"]
    assert within(3, "2026-01-15T17:00:02.001Z", moments[2]) == []


def test_a_cursor_works_for_its_own_window_only() -> None:
    for number in range(3):
        make_thing(number, "ada", "new")
    since = "2026-01-15T17:00:00.000Z"
    cursor = LISTING.read_page(ORG, {}, 1, None, since=since).cursor
    with pytest.raises(Invalid):
        LISTING.read_page(ORG, {}, 1, cursor)
    with pytest.raises(Invalid):
        LISTING.read_page(ORG, {}, 1, cursor, since=since, until="2026-01-15T17:00:09.000Z")
