"""Items come back from a table as they were written, and pages are complete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.aws import clients, dynamodb, reads, writes
from switchboard.aws.reads import Query
from switchboard.aws.writes import ConditionCheck, ConditionFailedError, Delete, Put, Update, commit
from switchboard.errors import Unavailable
from tests.unit.properties import example_settings

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
@example_settings(150)
def test_an_item_is_decoded_to_what_was_encoded(item: dict[str, Any]) -> None:
    decoded = dynamodb.decode_item(dynamodb.encode_item(item))
    assert decoded == item
    assert dynamodb.encode_item(decoded) == dynamodb.encode_item(item)  # where True is not 1


@pytest.mark.usefixtures("cloud")
@given(st.dictionaries(NAMES, VALUES, max_size=5))
@example_settings(30, slow=True)
def test_an_item_comes_back_from_the_table_unchanged(item: dict[str, Any]) -> None:
    place = {"pk": "one", "sk": "item"}
    writes.write_item(Put(table="core", item={**item, **place}))
    assert reads.get_item("core", place) == {**item, **place}


@pytest.mark.parametrize("value", [1.5, float("nan"), object(), set(), {1, 2}])
def test_a_value_that_a_table_cannot_hold_exactly_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        dynamodb.encode_value(value)


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_of_any_size_hold_every_item_once_and_end(limit: int) -> None:
    for number in range(7):
        writes.write_item(Put(table="core", item={"pk": "list", "sk": f"{number}", "even": number % 2 == 0}))
    for query in (Query(table="core", partition="list"), Query(table="core", partition="list", forward=False)):
        seen: list[str] = []
        start: dict[str, Any] | None = None
        pages = 0
        while pages == 0 or start:
            items, start = query.read_page(limit, start)
            assert len(items) <= limit
            seen += [item["sk"] for item in items]
            pages += 1
        assert seen == sorted(map(str, range(7)), reverse=not query.forward)
        assert pages == -(-7 // limit)  # no empty page at the end


@pytest.mark.usefixtures("cloud")
def test_a_commit_is_all_or_nothing_and_names_the_write_that_failed() -> None:
    here = {"pk": "here", "sk": "item"}
    writes.write_item(Put(table="core", item=here))
    refused = Put(table="core", item=here, unless_exists=True)
    with pytest.raises(ConditionFailedError) as failed:
        commit(Put(table="core", item={"pk": "new", "sk": "item"}), refused)
    assert (failed.value.write, failed.value.item) == (refused, here)
    assert reads.get_item("core", {"pk": "new", "sk": "item"}) is None


@pytest.mark.usefixtures("cloud")
def test_the_exception_of_the_first_failed_write_gets_all_items_that_share_it() -> None:
    for name in ("a", "b", "c"):
        writes.write_item(Put(table="core", item={"pk": name, "sk": "item"}))

    def build_our_error(items: list[dict[str, Any] | None]) -> Exception:
        return ValueError([item["pk"] for item in items if item])

    def build_other_error(_: list[dict[str, Any] | None]) -> Exception:
        return KeyError("another")

    def put_named(name: str, otherwise: Any) -> Put:
        return Put(table="core", item={"pk": name, "sk": "item"}, unless_exists=True, otherwise=otherwise)

    with pytest.raises(ValueError, match=r"\['a', 'c'\]"):
        commit(put_named("a", build_our_error), put_named("b", build_other_error), put_named("c", build_our_error))


@pytest.mark.usefixtures("cloud")
def test_a_single_write_returns_the_item_after_or_before_it() -> None:
    place = {"pk": "one", "sk": "item"}
    changed = writes.write_item(Update(table="core", key=place, expression="ADD n :one", values={":one": 1}))
    assert changed == {**place, "n": 1}
    assert writes.write_item(Delete(table="core", key=place)) == {**place, "n": 1}
    assert writes.write_item(Delete(table="core", key=place)) is None


@pytest.mark.usefixtures("cloud")
def test_a_batch_read_keeps_the_order_with_missing_and_repeated_items() -> None:
    keys = [{"pk": name, "sk": "item"} for name in ("a", "b", "a", "missing")]
    for key in keys[:2]:
        writes.write_item(Put(table="core", item=key))
    assert reads.get_items("core", keys) == [keys[0], keys[1], keys[0], None]


@pytest.fixture
def lost_answers(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each write is applied, its answer is lost, and botocore sends it again with the same parameters."""
    client = clients.dynamodb_client()

    def write_twice(write: Callable[..., Any]) -> Callable[..., Any]:
        def send_twice(**request: Any) -> Any:
            write(**request)
            return write(**request)

        return send_twice

    for name in ("put_item", "update_item", "delete_item"):
        monkeypatch.setattr(client, name, write_twice(getattr(client, name)))


ONE = {"pk": "one", "sk": "item"}


@pytest.mark.usefixtures("lost_answers")
def test_a_put_whose_answer_was_lost_is_not_mistaken_for_another_write() -> None:
    writes.write_item(Put(table="core", item={**ONE, "by": "us"}, unless_exists=True))
    with pytest.raises(ConditionFailedError):
        writes.write_item(Put(table="core", item={**ONE, "by": "another"}, unless_exists=True))


@pytest.mark.usefixtures("lost_answers")
@pytest.mark.parametrize("expression", ["SET claimed = :yes", "REMOVE opened SET claimed = :yes", "ADD #count :one"])
def test_an_update_whose_answer_was_lost_returns_the_current_item(expression: str) -> None:
    writes.write_item(Put(table="core", item={**ONE, "count": 0}))
    values: dict[str, Any] = {":yes": True} if "claimed" in expression else {":one": 1, ":none": 0}
    change = Update(
        table="core",
        key=ONE,
        expression=expression,
        names={} if "claimed" in expression else {"#count": "count"},
        values=values,
        condition="attribute_not_exists(claimed)" if "claimed" in expression else "#count = :none",
    )
    item = writes.write_item(change)
    assert item is not None
    assert item.get("claimed") is True or item["count"] == 1
    with pytest.raises(ConditionFailedError):
        writes.write_item(change)


@pytest.mark.usefixtures("lost_answers")
def test_a_conditional_delete_whose_answer_was_lost_succeeds_once() -> None:
    writes.write_item(Put(table="core", item=dict(ONE)))
    change = Delete(table="core", key=ONE, condition="attribute_exists(pk)")
    writes.write_item(change)
    with pytest.raises(ConditionFailedError):
        writes.write_item(change)


@pytest.mark.usefixtures("cloud")
def test_a_commit_refuses_two_writes_to_one_item_and_names_no_key() -> None:
    put = Put(table="core", item={**ONE, "a": 1})
    with pytest.raises(ValueError, match="two writes on one item of core: Put, ConditionCheck") as refused:
        commit(put, ConditionCheck(table="core", key=ONE, condition="attribute_not_exists(pk)"))
    assert "one" not in str(refused.value).split("one item")[1]
    commit(put, Put(table="activity", item=dict(ONE)))


@pytest.mark.usefixtures("cloud")
def test_a_batch_write_sends_the_unprocessed_items_again(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [{"pk": "p", "sk": str(number)} for number in range(5)]
    client, sent = clients.dynamodb_client(), []
    real = client.batch_write_item

    def process_half(RequestItems: dict[str, list[Any]]) -> Any:  # noqa: N803 botocore's name
        ((name, requests),) = RequestItems.items()
        sent.append(len(requests))
        real(RequestItems={name: requests[:2]})
        return {"UnprocessedItems": {name: requests[2:]} if requests[2:] else {}}

    monkeypatch.setattr(client, "batch_write_item", process_half)
    writes.put_items("core", items)
    assert (sent, list(Query(table="core", partition="p").read_all())) == ([5, 3, 1], items)


@pytest.mark.usefixtures("cloud")
def test_a_batch_write_that_is_never_processed_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    client = clients.dynamodb_client()
    monkeypatch.setattr(client, "batch_write_item", lambda RequestItems: {"UnprocessedItems": RequestItems})  # noqa: N803
    with pytest.raises(Unavailable):
        writes.put_items("core", [{"pk": "p", "sk": "s"}])


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("error", ["EndpointConnectionError", "ConnectTimeoutError", "ConnectionClosedError"])
def test_an_unreachable_table_is_unavailable(error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import botocore.exceptions

    def lose_connection(**_: Any) -> None:
        raise getattr(botocore.exceptions, error)(endpoint_url="http://127.0.0.1:1")

    monkeypatch.setattr(clients.dynamodb_client(), "get_item", lose_connection)
    with pytest.raises(Unavailable):
        reads.get_item("core", ONE)


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("index", [None, "gsi1"])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 6, 7])
def test_a_full_last_page_has_no_next_page(index: str | None, limit: int) -> None:
    items = [{"pk": "p", "sk": str(number), "gsi1pk": "p", "gsi1sk": str(number)} for number in range(6)]
    writes.put_items("core", items)
    query, found, start, pages = Query(table="core", partition="p", index=index), list[Any](), None, 0
    while True:
        page = query.read_page(limit, start)
        found, start, pages = [*found, *page.items], page.next_key, pages + 1
        if start is None:
            break
    assert (found, pages) == (items, -(-6 // limit))


@pytest.mark.usefixtures("cloud")
def test_a_page_whose_filter_skips_the_remaining_items_is_the_last() -> None:
    writes.put_items("core", [{"pk": "p", "sk": str(number), "odd": number % 2} for number in range(6)])
    query = Query(table="core", partition="p", where="odd = :odd", values={":odd": 1})
    assert [item["sk"] for item in query.read_page(3).items] == ["1", "3", "5"]
    assert query.read_page(3).next_key is None


@pytest.mark.usefixtures("cloud")
def test_a_batch_read_that_is_never_processed_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def process_nothing(RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 botocore's name
        return {"Responses": {}, "UnprocessedKeys": RequestItems}

    monkeypatch.setattr(clients.dynamodb_client(), "batch_get_item", process_nothing)
    with pytest.raises(Unavailable):
        reads.get_items("core", [ONE])
