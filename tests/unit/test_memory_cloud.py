"""The tables in memory behave like moto, for any requests in any order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.aws import clients
from switchboard.aws.reads import get_item
from switchboard.aws.writes import ConditionFailedError, Put, Update, commit, write_item
from switchboard.kit import settings
from tests.checked_tables import CheckedTables
from tests.conftest import moto
from tests.memory_cloud import Tables, transient, use_memory_tables
from tests.unit.properties import example_settings

_NAMES = {"#a": "a", "#b": "b", "#s": "s", "#m": "m", "#k": "inner"}
_NUMBERS = st.integers(-2, 3).map(lambda number: {"N": str(number)})
_TEXTS = st.sampled_from(["", "x", "xy", "y"]).map(lambda text: {"S": text})
_SETS = st.sets(st.sampled_from(["p", "q", "r"]), min_size=1).map(lambda found: {"SS": sorted(found)})
_MAPS = st.fixed_dictionaries({}, optional={"inner": _NUMBERS}).map(lambda found: {"M": found})
_VALUES = st.fixed_dictionaries({":n": _NUMBERS, ":o": _NUMBERS, ":t": _TEXTS, ":s": _SETS, ":m": _MAPS})
_PLACES = (st.sampled_from("AB"), st.sampled_from("123"))
_KEYS = st.tuples(*_PLACES).map(lambda place: {"pk": {"S": place[0]}, "sk": {"S": place[1]}})
_ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "a": _NUMBERS, "b": _TEXTS, "s": _SETS, "m": _MAPS,
        "none": st.just({"NULL": True}), "yes": st.just({"BOOL": True}),
        "list": st.lists(_NUMBERS, max_size=2).map(lambda found: {"L": found}),
        "gsi": st.sampled_from("GH"),
    },
)  # fmt: skip
#: Every form that the stores use, and their combinations.
_SINGLE = (
    "attribute_exists(pk)", "attribute_not_exists(pk)", "attribute_exists(#a)", "attribute_not_exists(#m.#k)",
    "#a = :n", "#a <> :n", "#a < :n", "#a <= :n", "#a >= :n", "#a > :n", "#a BETWEEN :n AND :o", "#a IN (:n, :o)",
    "#b = :t", "#b <> :t", "#b <= :t", "begins_with(#b, :t)", "contains(#s, :t)", "#m = :m", "#m.#k = :n", "#s = :s",
    "NOT #a = :n",
    # Moto fails at the size of a missing attribute.
    "attribute_exists(#s) AND size(#s) < :n", "attribute_exists(#m) AND size(#m) >= :n",
    "attribute_exists(#b) AND size(#b) = :n",
)  # fmt: skip
_CONDITIONS = st.one_of(
    st.sampled_from(_SINGLE),
    st.tuples(st.sampled_from(_SINGLE), st.sampled_from([" AND ", " OR "]), st.sampled_from(_SINGLE)).map("".join),
    st.tuples(*[st.sampled_from(_SINGLE)] * 3).map(lambda three: "({} OR {}) AND {}".format(*three)),
)
_UPDATES = st.sampled_from(
    [
        "SET #a = :n", "SET #a = :n, #b = :t", "SET #a = if_not_exists(#a, :n), #b = :t", "SET #m = :m",
        "SET #a = if_not_exists(#a, :n) + :o", "SET #a = #a + :n", "SET #a = #a - :n", "SET #m.#k = :n",
        "REMOVE #a", "REMOVE #a, #b", "REMOVE #m.#k", "SET #b = :t REMOVE #a", "SET #a = :n REMOVE #b ADD #s :s",
        "ADD #a :n", "ADD #a :n SET #b = :t", "SET #b = :t ADD #a :n", "ADD #s :s", "DELETE #s :s",
    ]
)  # fmt: skip
_KEY_CONDITIONS = st.sampled_from(
    [
        "pk = :pk",
        "pk = :pk AND sk < :to",
        "pk = :pk AND begins_with(sk, :from)",
        "pk = :pk AND sk BETWEEN :from AND :to",
    ]
)


def _used(text: str, given: dict[str, Any]) -> dict[str, Any]:
    """The placeholders that occur in an expression: DynamoDB refuses unused ones."""
    return {name: value for name, value in given.items() if name in re.findall(r"[#:]\w+", text)}


@st.composite
def writes(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A write of one item, as botocore's client takes it, without its table."""
    kind = draw(st.sampled_from(["Put", "Update", "Delete"]))
    key, asked = draw(_KEYS), dict[str, Any]()
    if kind == "Put":
        item = key | draw(_ATTRIBUTES)
        if view := item.pop("gsi", None):
            item |= {"gsi1pk": {"S": view}, "gsi1sk": {"S": f"{key['pk']['S']}{key['sk']['S']}"}}
        asked["Item"] = item
    else:
        asked["Key"] = key
    text = ""
    if kind == "Update":
        asked["UpdateExpression"] = text = draw(_UPDATES)
    if draw(st.booleans()):
        asked["ConditionExpression"] = draw(_CONDITIONS)
        asked["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        text += " " + asked["ConditionExpression"]
    for name, found in (("Names", _used(text, _NAMES)), ("Values", _used(text, draw(_VALUES)))):
        if found:
            asked[f"ExpressionAttribute{name}"] = found
    return kind, asked


@st.composite
def checks(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A check of a transaction."""
    text = draw(_CONDITIONS)
    asked = {"Key": draw(_KEYS), "ConditionExpression": text, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    for name, found in (("Names", _used(text, _NAMES)), ("Values", _used(text, draw(_VALUES)))):
        if found:
            asked[f"ExpressionAttribute{name}"] = found
    return "ConditionCheck", asked


@st.composite
def queries(draw: st.DrawFn) -> dict[str, Any]:
    """A query of the table, or of its index, without the table's name."""
    text = draw(_KEY_CONDITIONS)
    by_index = draw(st.booleans())
    values = {":pk": {"S": draw(st.sampled_from("GH" if by_index else "AB"))}, ":from": {"S": "1"}, ":to": {"S": "2"}}
    if by_index:
        values |= {":from": {"S": "A"}, ":to": {"S": "B2"}}
        text = re.sub(r"(?<!:)\b([ps]k)\b", r"gsi1\1", text)
    asked = {
        "KeyConditionExpression": text,
        "ExpressionAttributeValues": _used(text, values),
        "ScanIndexForward": draw(st.booleans()),
    }
    if limit := draw(st.sampled_from([None, 1, 2])):
        asked["Limit"] = limit
    if by_index:
        return asked | {"IndexName": "gsi1"}
    if draw(st.booleans()):
        where = draw(st.sampled_from(["#a > :n", "attribute_exists(#b)"]))
        asked["FilterExpression"] = where
        asked["ExpressionAttributeNames"] = _used(where, _NAMES)
        asked["ExpressionAttributeValues"] |= _used(where, {":n": {"N": "0"}})
    return asked


def _one_each(parts: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """The writes of a transaction, one for an item."""
    return list({_place(asked): (kind, asked) for kind, asked in parts}.values())


def _place(asked: dict[str, Any]) -> tuple[str, str]:
    item = asked.get("Key") or asked["Item"]
    return item["pk"]["S"], item["sk"]["S"]


REQUESTS = st.one_of(
    st.tuples(st.just("write"), writes()),
    st.tuples(st.just("transact"), st.lists(st.one_of(writes(), checks()), min_size=1, max_size=3).map(_one_each)),
    st.tuples(st.just("get"), _KEYS),
    st.tuples(st.just("batch"), st.lists(_KEYS, min_size=1, max_size=4, unique_by=str)),
    st.tuples(st.just("query"), queries()),
    st.tuples(st.just("delete all"), st.lists(_KEYS, min_size=1, max_size=3, unique_by=str)),
)


def comparable_response(client: Any, name: str, kind: str, asked: Any) -> Any:
    """A client's response to a request, in a form that can be compared. A query is asked page after page."""
    try:
        match kind:
            case "write":
                what, request = asked
                given = {"Update": "ALL_NEW", "Delete": "ALL_OLD", "Put": "NONE"}[what]
                call = {"Put": client.put_item, "Update": client.update_item, "Delete": client.delete_item}[what]
                return sorted_sets(call(TableName=name, ReturnValues=given, **request).get("Attributes"))
            case "transact":
                client.transact_write_items(TransactItems=[{what: one | {"TableName": name}} for what, one in asked])
                return None
            case "get":
                return sorted_sets(client.get_item(TableName=name, Key=asked, ConsistentRead=True).get("Item"))
            case "batch":
                found = client.batch_get_item(RequestItems={name: {"Keys": asked, "ConsistentRead": True}})
                return sorted(map(repr, map(sorted_sets, found["Responses"][name])))
            case "delete all":
                client.batch_write_item(RequestItems={name: [{"DeleteRequest": {"Key": key}} for key in asked]})
                return None
        return list(read_pages(client, {"TableName": name, **asked}))
    except clients.ClientError as error:
        reasons = error.response.get("CancellationReasons", [])
        if "ValidationError" in [reason["Code"] for reason in reasons]:
            # Moto refuses such a transaction as a whole.
            return "ValidationException", [], None
        told = [(reason["Code"], sorted_sets(reason.get("Item"))) for reason in reasons]
        return clients.error_code(error), told, sorted_sets(error.response.get("Item"))


def read_pages(client: Any, asked: dict[str, Any]) -> Iterator[Any]:
    """All that a query finds."""
    while True:
        found = client.query(**asked)
        yield from map(sorted_sets, found["Items"])
        if not found.get("LastEvaluatedKey"):
            return
        asked = asked | {"ExclusiveStartKey": found["LastEvaluatedKey"]}


def sorted_sets(item: Any) -> Any:
    """An item whose sets have an order."""
    if item is None:
        return None
    return {name: {"SS": sorted(value["SS"])} if "SS" in value else value for name, value in sorted(item.items())}


@pytest.fixture
def motos(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The client of tables whose items moto keeps."""
    with moto(monkeypatch, quick=False):
        yield clients.dynamodb_client()


def make_checked() -> CheckedTables:
    return CheckedTables({"activity": ("pk", "sk")})


@example_settings(250, slow=True)
@given(requests=st.lists(REQUESTS, min_size=1, max_size=12))
def test_it_behaves_like_moto(motos: Any, requests: list[tuple[str, Any]]) -> None:
    name = settings.table_name("activity")
    for item in list(motos.scan(TableName=name)["Items"]):
        motos.delete_item(TableName=name, Key={part: item[part] for part in ("pk", "sk")})
    memories: tuple[Tables, ...] = (Tables(), make_checked())
    for kind, asked in requests:
        expected = comparable_response(motos, name, kind, asked)
        for memory in memories:
            assert comparable_response(memory, "activity", kind, asked) == expected, (kind, asked)
    found = sorted(motos.scan(TableName=name)["Items"], key=lambda one: (one["pk"]["S"], one["sk"]["S"]))
    for memory in memories:
        assert list(map(sorted_sets, memory.scan(TableName="activity")["Items"])) == list(map(sorted_sets, found))


_KEY = {"pk": {"S": "A"}, "sk": {"S": "1"}}
_ONE = {":n": {"N": "1"}}


def make_put(**more: Any) -> tuple[str, Any]:
    return "write", ("Put", {"Item": _KEY | more})


def make_update(expression: str, **more: Any) -> tuple[str, Any]:
    return "write", ("Update", {"Key": _KEY, "UpdateExpression": expression, **more})


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        pytest.param(*make_update("SET status = :n", ExpressionAttributeValues=_ONE), id="a reserved word"),
        pytest.param(
            *make_update("SET a = :n", ExpressionAttributeValues=_ONE | {":o": {"N": "1"}}), id="an unused value"
        ),
        pytest.param(
            *make_update("SET a = :n", ExpressionAttributeValues=_ONE, ExpressionAttributeNames={"#a": "a"}),
            id="an unused name",
        ),
        pytest.param(*make_update("SET a = :o", ExpressionAttributeValues=_ONE), id="a value that is not given"),
        pytest.param(*make_put(pk={"S": ""}), id="an empty key"),
        pytest.param(*make_put(gsi1pk={"S": ""}, gsi1sk={"S": "x"}), id="an empty key of an index"),
        pytest.param(*make_put(gsi1pk={"NULL": True}, gsi1sk={"S": "x"}), id="no key of an index"),
        pytest.param(*make_put(pk={"S": "x" * 2_049}), id="a partition key that is too long"),
        pytest.param(*make_put(sk={"S": "x" * 1_025}), id="a sort key that is too long"),
        pytest.param(*make_put(s={"SS": []}), id="an empty set"),
        pytest.param(*make_put(text={"S": "x" * 410_000}), id="an item that is too large"),
        pytest.param(*make_put(text={"L": [{"S": "é" * 1_000}] * 205}), id="an item that is too large in bytes"),
    ],
)
def test_it_has_the_same_refusals_as_moto(motos: Any, kind: str, asked: Any) -> None:
    assert comparable_response(motos, settings.table_name("activity"), kind, asked)[0] == "ValidationException"
    tables = make_checked()
    assert comparable_response(tables, "activity", kind, asked)[0] == "ValidationException"
    assert tables.scan(TableName="activity")["Items"] == []


def test_it_refuses_a_name_that_is_not_given() -> None:
    kind, asked = make_update("SET #a = :n", ExpressionAttributeValues=_ONE)
    assert comparable_response(make_checked(), "activity", kind, asked)[0] == "ValidationException"


def test_its_pages_have_the_same_ends_as_motos(motos: Any) -> None:
    tables, name = make_checked(), settings.table_name("activity")
    for number in range(12):
        item = {"pk": {"S": "A"}, "sk": {"S": f"{number:02}"}, "text": {"S": "x" * 199_900}}
        motos.put_item(TableName=name, Item=item)
        tables.put_item(TableName="activity", Item=item)
    asked = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "A"}}}
    for more in ({}, {"Limit": 3}, {"ScanIndexForward": False}, {"ExclusiveStartKey": _KEY | {"sk": {"S": "06"}}}):
        expected = motos.query(TableName=name, **asked, **more)
        found = tables.query(TableName="activity", **asked, **more)
        assert found["Items"] == expected["Items"], more
        assert found.get("LastEvaluatedKey") == expected.get("LastEvaluatedKey"), more


def test_a_member_of_an_enumeration_comes_back_as_text() -> None:
    class Kind(StrEnum):
        ONE = "one"

    tables = make_checked()
    tables.put_item(TableName="activity", Item=_KEY | {"kind": {"S": Kind.ONE}, "all": {"L": [{"S": Kind.ONE}]}})
    found = tables.get_item(TableName="activity", Key=_KEY)["Item"]
    assert found["kind"] == {"S": "one"}
    assert type(found["kind"]["S"]) is type(found["all"]["L"][0]["S"]) is str


def test_an_unknown_request_is_an_error() -> None:
    for unknown in ({"TotalSegments": 2}, {"Select": "COUNT"}):
        with pytest.raises(AssertionError):
            make_checked().scan(TableName="activity", **unknown)


def test_a_transaction_with_a_lost_response_is_made_once() -> None:
    key = {"pk": "org_1", "sk": "counter"}
    with use_memory_tables() as tables:
        lost = [transient("TransactWriteItems", "InternalServerError")]

        def answered(_: str) -> None:
            if lost:
                raise lost.pop()

        tables.answered = answered
        one = Update(table="core", key=key, expression="ADD #n :one", names={"#n": "n"}, values={":one": 1})
        commit(one, Put(table="core", item={"pk": "org_1", "sk": "other"}))
        assert not lost
        assert get_item("core", key) == {**key, "n": 1}


def test_a_write_with_a_lost_response_is_recognized() -> None:
    item = {"pk": "org_1", "sk": "new"}
    with use_memory_tables() as tables:
        lost = [transient("PutItem", "InternalServerError")]

        def answered(_: str) -> None:
            if lost:
                raise lost.pop()

        tables.answered = answered
        write_item(Put(table="core", item=item, unless_exists=True))
        with pytest.raises(ConditionFailedError):
            write_item(Put(table="core", item=item, unless_exists=True))


def test_a_copy_keeps_its_items() -> None:
    key = {"pk": "org_1", "sk": "counter"}
    with use_memory_tables() as tables:
        write_item(Put(table="core", item={**key, "n": 1, "map": {"inner": 1}}))
        before = tables.copy()
        names = {"#m": "map", "#i": "inner"}
        write_item(Update(table="core", key=key, expression="SET n = :n, #m.#i = :n", names=names, values={":n": 2}))
        assert get_item("core", key) == {**key, "n": 2, "map": {"inner": 2}}
        assert before["core"]["org_1"]["counter"]["n"] == {"N": "1"}
        assert before["core"]["org_1"]["counter"]["map"] == {"M": {"inner": {"N": "1"}}}
