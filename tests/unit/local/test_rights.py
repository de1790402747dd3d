"""A call that the function's role would not allow on AWS is refused in the local stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra import topology
from infra.local import rights
from infra.local.rights import Guard, Right
from switchboard.aws import clients
from switchboard.aws.clients import ClientError
from switchboard.kit import settings

pytestmark = pytest.mark.usefixtures("cloud")

#: A function that reads and writes `core`, and sends nothing to the queue of mail.
CONTACTS = "hum/contacts"


@pytest.fixture(autouse=True)
def _own_names() -> None:
    rights._name.cache_clear()


def needed(service: str, operation: str, **request: Any) -> list[Right]:
    return rights.list_needed(service, operation, request)


def test_the_rights_of_a_function_are_those_of_the_topology() -> None:
    found = rights.list_rights(CONTACTS)
    assert Right("dynamodb:PutItem", "core") in found
    assert not {right for right in found if right.action == "dynamodb:Scan"}
    worker = next(one for one in topology.WORKERS if one.queue)
    assert Right("sqs:ChangeMessageVisibility", str(worker.queue)) in rights.list_rights(worker.name)


def test_a_transaction_needs_the_rights_of_its_parts() -> None:
    core, activity = settings.table_name("core"), settings.table_name("activity")
    entries = [
        {"Put": {"TableName": core}},
        {"Put": {"TableName": core}},
        {"ConditionCheck": {"TableName": activity}},
    ]
    assert needed("dynamodb", "TransactWriteItems", TransactItems=entries) == [
        Right("dynamodb:PutItem", "core"),
        Right("dynamodb:ConditionCheckItem", "activity"),
    ]
    assert needed("dynamodb", "TransactGetItems", TransactItems=[{"Get": {"TableName": core}}]) == [
        Right("dynamodb:GetItem", "core")
    ]
    assert needed("dynamodb", "BatchGetItem", RequestItems={core: {}}) == [Right("dynamodb:BatchGetItem", "core")]


def test_a_query_of_an_index_needs_the_right_to_that_index() -> None:
    core = settings.table_name("core")
    assert needed("dynamodb", "Query", TableName=core, IndexName="gsi1") == [Right("dynamodb:Query", "core/gsi1")]
    assert needed("dynamodb", "Query", TableName=core) == [Right("dynamodb:Query", "core")]


def test_operations_need_the_action_that_aws_asks_for() -> None:
    queue = settings.queue_url("email")
    assert needed("sqs", "SendMessageBatch", QueueUrl=queue) == [Right("sqs:SendMessage", "email")]
    assert needed("s3", "HeadObject", Bucket="elsewhere") == [Right("s3:GetObject", "elsewhere")]


def test_a_call_without_a_right_is_refused_and_says_what_to_do() -> None:
    guard, queue = Guard(), {"QueueUrl": settings.queue_url("email")}
    with guard.running(CONTACTS), pytest.raises(ClientError, match="hum/contacts has no right to sqs:SendMessage on"):
        guard.check_call("sqs", "SendMessage", queue)
    with guard.running(CONTACTS), pytest.raises(ClientError, match="bedrock:InvokeModel"):
        guard.check_call("bedrock-runtime", "InvokeModel", {})
    with guard.running(CONTACTS), pytest.raises(ClientError, match="ssm:GetParameter"):
        guard.check_call("ssm", "GetParameter", {"Name": "/a"})
    guard.check_call("sqs", "SendMessage", queue)  # The stack itself may.


def test_the_calls_of_a_client_are_checked_and_recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    record = tmp_path / "rights"
    monkeypatch.setenv(rights.RECORD, str(record))
    monkeypatch.setattr(clients, "_checks", [])
    clients.clear_clients()
    guard = Guard()
    guard.watch()
    try:
        writer, bucket = next(
            (one.name, bucket)
            for one in topology.FUNCTIONS
            for bucket, access in one.buckets.items()
            if "write" in access and "list" not in access
        )
        name = settings.text(settings.env_key("BUCKET", bucket).removeprefix(settings.PREFIX))
        with guard.running(writer):
            for _ in range(2):
                clients.get_client("s3").put_object(Bucket=name, Key="key", Body=b"")
            with pytest.raises(ClientError, match="s3:ListBucket"):
                clients.get_client("s3").list_objects_v2(Bucket=name)
    finally:
        clients.clear_clients()
    assert record.read_text() == f"{writer} s3:PutObject {bucket}\n"


def test_an_access_without_a_call_is_unused() -> None:
    every = [
        f"{function.name} {right.action} {right.resource}"
        for function in topology.FUNCTIONS
        for right in rights.list_rights(function.name)
    ]
    assert rights.list_unused(every) == []
    fewer = [line for line in every if line != f"{CONTACTS} dynamodb:Query core/gsi1"]
    assert rights.list_unused(fewer) == [(CONTACTS, "read index core/gsi1")]
