"""A client returns the same by the short way and by the long way through HTTP, and calls the same hooks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.aws import clients
from switchboard.aws.reads import get_item
from switchboard.aws.writes import Put, write_item
from switchboard.kit import settings
from tests.conftest import moto
from tests.unit.properties import example_settings
from tests.unit.test_memory_cloud import REQUESTS, comparable_response

_ITEM = {"pk": "org_1", "sk": "one", "n": 1}
_KEY = {"pk": "org_1", "sk": "one"}


def use_http(client: Any) -> None:
    """Make a client use HTTP."""
    client.meta.events.register("before-send", lambda **_: None)


@example_settings(40)
@given(requests=st.lists(REQUESTS, min_size=1, max_size=12))
def test_both_ways_return_the_same(monkeypatch: pytest.MonkeyPatch, requests: list[tuple[str, Any]]) -> None:
    answers = []
    for way in ("short", "hooked", "long"):
        with moto(monkeypatch):
            client = clients.dynamodb_client()
            if way == "hooked":
                client.meta.events.register("before-call", lambda **_: None)
            if way == "long":
                use_http(client)
            answers.append(
                [comparable_response(client, settings.table_name("activity"), kind, asked) for kind, asked in requests]
            )
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("long", [False, True])
def test_hooks_are_called_around_a_request(cloud: dict[str, str], long: bool) -> None:
    client, heard = clients.dynamodb_client(), list[tuple[str, Any]]()
    if long:
        use_http(client)
    events = client.meta.events
    events.register("provide-client-params.*.PutItem", lambda params, **_: heard.append(("given", params["Item"])))
    events.register(
        "before-parameter-build.dynamodb.PutItem",
        lambda params, context, **_: context.update(noted=params["Item"]["n"]),
    )
    events.register("before-call", lambda model, params, **_: heard.append((model.name, b"org_1" in params["body"])))
    events.register(
        "after-call.dynamodb.PutItem",
        lambda http_response, context, **_: heard.append((http_response.status_code, context["noted"])),
    )
    write_item(Put(table="activity", item=_ITEM))
    assert get_item("activity", _KEY) == _ITEM
    item = {"pk": {"S": "org_1"}, "sk": {"S": "one"}, "n": {"N": "1"}}
    assert heard == [("given", item), ("PutItem", True), (200, {"N": "1"}), ("GetItem", True)]


@pytest.mark.parametrize("long", [False, True])
def test_a_hook_can_replace_the_tables_response(cloud: dict[str, str], long: bool) -> None:
    class Refused:
        status_code = 400

    client = clients.dynamodb_client()
    if long:
        use_http(client)
    parsed = {"Error": {"Code": "ResourceInUseException", "Message": "m"}}
    client.meta.events.register_first("before-call.dynamodb.PutItem", lambda **_: (Refused(), parsed))
    with pytest.raises(client.exceptions.ResourceInUseException):
        client.put_item(TableName=settings.table_name("activity"), Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    assert client.scan(TableName=settings.table_name("activity"))["Items"] == []


@pytest.mark.parametrize("long", [False, True])
def test_a_lost_response_was_written(cloud: dict[str, str], long: bool) -> None:
    client = clients.dynamodb_client()
    if long:
        use_http(client)

    def lose(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        http_response.status_code = 500
        parsed.clear()
        parsed.update(Error={"Code": "InternalServerError", "Message": "m"})

    client.meta.events.register("after-call.*.PutItem", lose)
    with pytest.raises(client.exceptions.InternalServerError):
        client.put_item(TableName=settings.table_name("activity"), Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    assert client.scan(TableName=settings.table_name("activity"))["Count"] == 1


@pytest.mark.parametrize("long", [False, True])
def test_a_table_that_was_deleted_is_not_found_and_empty_when_it_is_made_again(
    cloud: dict[str, str], long: bool
) -> None:
    client, name = clients.dynamodb_client(), settings.table_name("ratelimit")
    if long:
        use_http(client)
    client.put_item(TableName=name, Item={"id": {"S": "a"}})
    client.delete_table(TableName=name)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_item(TableName=name, Key={"id": {"S": "a"}})
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert client.scan(TableName=name)["Items"] == []


def test_a_client_is_reset_or_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    with moto(monkeypatch):
        first = clients.dynamodb_client()
    with moto(monkeypatch):
        assert clients.dynamodb_client() is first
        first.meta.events.register("before-call", lambda **_: pytest.fail("this hook has ended"), unique_id="one")
    with moto(monkeypatch):
        second = clients.dynamodb_client()
        assert second is first
        second.list_tables()
        second.scan(TableName=settings.table_name("core"))
        monkeypatch.setattr(second, "get_item", None)
        clients.clear_clients()
        third = clients.dynamodb_client()
        assert third is not second
        third.meta.events.unregister("before-call", None, unique_id="unknown")
        clients.clear_clients()
        assert clients.dynamodb_client() is not third


@pytest.mark.parametrize("long", [False, True])
def test_a_queue_is_empty_and_a_message_deleted_on_both_ways(cloud: dict[str, str], long: bool) -> None:
    client, heard = clients.get_client("sqs"), list[str]()
    if long:
        use_http(client)
    client.meta.events.register("before-call.sqs", lambda model, **_: heard.append(model.name))
    where = {"QueueUrl": settings.queue_url("email")}
    asked = {**where, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
    assert "Messages" not in client.receive_message(**asked)
    for body in ("one", "two"):
        client.send_message(**where, MessageBody=body)
    first, second = client.receive_message(**asked)["Messages"]
    client.delete_message(**where, ReceiptHandle=first["ReceiptHandle"])
    client.delete_message(**where, ReceiptHandle=first["ReceiptHandle"])
    (left,) = client.receive_message(**asked)["Messages"]
    assert left["Body"] == second["Body"]
    client.delete_message(**where, ReceiptHandle=left["ReceiptHandle"])
    assert "Messages" not in client.receive_message(**asked)
    with pytest.raises(client.exceptions.ReceiptHandleIsInvalid):
        client.delete_message(**where, ReceiptHandle="nobody's")
    with pytest.raises(client.exceptions.QueueDoesNotExist):
        client.receive_message(QueueUrl=where["QueueUrl"] + "-other")
    sends, receives, deletes = (heard.count(f"{name}Message") for name in ("Send", "Receive", "Delete"))
    assert (sends, receives, deletes) == (2, 5, 4)


_BODIES = st.sampled_from(["{}", "é", "two\nlines"])
_GROUPS = st.sampled_from(["one", "two"])


def _entries() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"Id": st.sampled_from(["0", "1", "a_b"]), "MessageBody": _BODIES},
        optional={
            "MessageGroupId": _GROUPS,
            "MessageDeduplicationId": _GROUPS,
            "DelaySeconds": st.sampled_from([0, 60, 900, 901]),
        },
    )


_QUEUE_REQUESTS = st.one_of(
    st.tuples(st.just("send_message"), _entries().map(lambda entry: entry | {"Id": None})),
    st.tuples(st.just("send_message_batch"), st.fixed_dictionaries({"Entries": st.lists(_entries(), max_size=3)})),
    st.tuples(
        st.just("receive_message"),
        st.fixed_dictionaries(
            {},
            optional={
                "MaxNumberOfMessages": st.sampled_from([1, 2, 10, 11]),
                "VisibilityTimeout": st.sampled_from([0, 600, 43_201]),
                "AttributeNames": st.sampled_from([["All"], ["MessageGroupId"]]),
            },
        ),
    ),
)
#: The parts of a response that are made by chance or by the time of day.
_BY_CHANCE = {"ResponseMetadata", "MessageId", "ReceiptHandle", "SequenceNumber"} | {
    "SentTimestamp", "ApproximateFirstReceiveTimestamp"
}  # fmt: skip


def _without_chance(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _without_chance(inner) if name not in _BY_CHANCE else bool(inner) for name, inner in part.items()}
    return [_without_chance(inner) for inner in part] if isinstance(part, list) else part


def _answer_of(client: Any, queue: str, kind: str, asked: dict[str, Any]) -> Any:
    given = {name: value for name, value in asked.items() if value is not None}
    try:
        answer = getattr(client, kind)(QueueUrl=settings.queue_url(queue), **given)
    except clients.ClientError as error:
        return clients.error_code(error)
    answer.pop("ResponseMetadata", None)
    return _without_chance(answer)


@example_settings(25, slow=True)
@given(queue=st.sampled_from(["email", "audit"]), requests=st.lists(_QUEUE_REQUESTS, min_size=1, max_size=8))
def test_queues_answer_the_same_on_both_ways(
    monkeypatch: pytest.MonkeyPatch, queue: str, requests: list[tuple[str, dict[str, Any]]]
) -> None:
    answers = []
    for way in ("short", "hooked", "long"):
        with moto(monkeypatch):
            client = clients.get_client("sqs")
            if way == "hooked":
                client.meta.events.register("before-call", lambda **_: None)
            if way == "long":
                use_http(client)
            answers.append([_answer_of(client, queue, kind, asked) for kind, asked in requests])
    assert answers[0] == answers[1] == answers[2]


def test_plain_messages_take_the_short_way(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise AssertionError("a request went through HTTP")

    client, where = clients.get_client("sqs"), {"QueueUrl": settings.queue_url("email")}
    monkeypatch.setattr(client._endpoint, "make_request", fail)
    client.send_message(**where, MessageBody="{}")
    client.send_message_batch(**where, Entries=[{"Id": "0", "MessageBody": "{}", "DelaySeconds": 0}])
    for message in client.receive_message(**where, MaxNumberOfMessages=10)["Messages"]:
        client.delete_message(**where, ReceiptHandle=message["ReceiptHandle"])
    assert "Messages" not in client.receive_message(**where)
