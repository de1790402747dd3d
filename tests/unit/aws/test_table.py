"""What is written to a table comes back as it was, and pages are whole."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.aws import table
from switchboard.aws.table import ConditionFailedError, Delete, Put, Query, Update, commit
from tests.unit.properties import examples

NAMES = st.text(min_size=1, max_size=8)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**38) + 1, 10**38 - 1),
        st.text(max_size=20),
        st.binary(min_size=1, max_size=20),
        st.sets(st.text(min_size=1, max_size=8), min_size=1, max_size=4),
    ),
    lambda part: st.one_of(st.lists(part, max_size=4), st.dictionaries(NAMES, part, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
@examples(150)
def test_an_item_is_decoded_to_what_was_encoded(item: dict[str, Any]) -> None:
    decoded = table.decode_item(table.encode_item(item))
    assert decoded == item
    assert table.encode_item(decoded) == table.encode_item(item)  # where True is not 1


@pytest.mark.usefixtures("cloud")
@given(st.dictionaries(NAMES, VALUES, max_size=5))
@examples(30, slow=True)
def test_an_item_comes_back_from_the_table_as_it_was(item: dict[str, Any]) -> None:
    place = {"pk": "one", "sk": "item"}
    table.write(Put(table="core", item={**item, **place}))
    assert table.get("core", place) == {**item, **place}


@pytest.mark.parametrize("value", [1.5, float("nan"), object(), set(), {1, 2}])
def test_what_a_table_cannot_hold_exactly_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        table.encode(value)


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_of_any_size_hold_every_item_once_and_end(limit: int) -> None:
    for number in range(7):
        table.write(Put(table="core", item={"pk": "list", "sk": f"{number}", "even": number % 2 == 0}))
    for query in (Query(table="core", partition="list"), Query(table="core", partition="list", forward=False)):
        seen: list[str] = []
        start: dict[str, Any] | None = None
        pages = 0
        while pages == 0 or start:
            items, start = query.page(limit, start)
            assert len(items) <= limit
            seen += [item["sk"] for item in items]
            pages += 1
        assert seen == sorted(map(str, range(7)), reverse=not query.forward)
        assert pages == -(-7 // limit)  # no empty page at the end


@pytest.mark.usefixtures("cloud")
def test_a_commit_is_all_or_nothing_and_tells_which_write_stood_in_the_way() -> None:
    here = {"pk": "here", "sk": "item"}
    table.write(Put(table="core", item=here))
    refused = Put(table="core", item=here, unless_exists=True)
    with pytest.raises(ConditionFailedError) as failed:
        commit(Put(table="core", item={"pk": "new", "sk": "item"}), refused)
    assert (failed.value.write, failed.value.item) == (refused, here)
    assert table.get("core", {"pk": "new", "sk": "item"}) is None


@pytest.mark.usefixtures("cloud")
def test_the_first_failed_writes_own_exception_is_raised_with_all_that_share_it() -> None:
    for name in ("a", "b", "c"):
        table.write(Put(table="core", item={"pk": name, "sk": "item"}))

    def ours(items: list[dict[str, Any] | None]) -> Exception:
        return ValueError([item["pk"] for item in items if item])

    def another(_: list[dict[str, Any] | None]) -> Exception:
        return KeyError("another")

    def put(name: str, otherwise: Any) -> Put:
        return Put(table="core", item={"pk": name, "sk": "item"}, unless_exists=True, otherwise=otherwise)

    with pytest.raises(ValueError, match=r"\['a', 'c'\]"):
        commit(put("a", ours), put("b", another), put("c", ours))


@pytest.mark.usefixtures("cloud")
def test_a_single_write_answers_the_item_as_it_is_or_was() -> None:
    place = {"pk": "one", "sk": "item"}
    changed = table.write(Update(table="core", key=place, expression="ADD n :one", values={":one": 1}))
    assert changed == {**place, "n": 1}
    assert table.write(Delete(table="core", key=place)) == {**place, "n": 1}
    assert table.write(Delete(table="core", key=place)) is None


@pytest.mark.usefixtures("cloud")
def test_many_are_read_in_the_order_asked_for_with_what_is_missing_and_twice() -> None:
    keys = [{"pk": name, "sk": "item"} for name in ("a", "b", "a", "missing")]
    for key in keys[:2]:
        table.write(Put(table="core", item=key))
    assert table.get_many("core", keys) == [keys[0], keys[1], keys[0], None]
