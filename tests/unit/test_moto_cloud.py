"""Tests are isolated, although they share moto's tables and queues."""

from __future__ import annotations

from typing import Any

import pytest

from infra import topology
from switchboard.aws import clients, objects, secret
from switchboard.aws.queues import send_messages
from switchboard.aws.reads import get_item
from switchboard.aws.writes import ConditionCheck, ConditionFailedError, Put, Update, commit, write_item
from switchboard.email.jobs import SendMail
from switchboard.kit import ids, jobs, settings
from switchboard.timers import service as timers
from tests.actors import tenant
from tests.conftest import moto

WAITING = "ApproximateNumberOfMessages"


def leave_everything() -> None:
    """An organization, a timer, a message in every queue, a file in every bucket, a secret, an item of every table."""
    write_item(timers.job_write(SendMail(org_id=tenant().org_id, message_id="msg_none")))
    for table in topology.TABLES:
        write_item(Put(table=table.name, item=dict.fromkeys(table.keys, "left")))
    for one in topology.QUEUES:
        send_messages([jobs.QueueMessage(queue=one.name, body={"left": 1}, group="g", dedupe=ids.new_id("d"))])
    for bucket in topology.BUCKETS:
        objects.put_object(bucket.name, "left", b"behind", "text/plain")
    clients.get_client("secretsmanager").create_secret(Name="left", SecretString="behind")


def count_everything() -> dict[str, Any]:
    """The number of objects in each kind of place."""
    sqs, s3 = clients.get_client("sqs"), clients.get_client("s3")
    tables = [settings.table_name(table.name) for table in topology.TABLES]
    queues = sqs.list_queues()["QueueUrls"]
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    secrets = clients.get_client("secretsmanager").list_secrets()["SecretList"]
    return {
        **{name: clients.dynamodb_client().scan(TableName=name)["Count"] for name in tables},
        **{
            url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[WAITING])["Attributes"][WAITING]
            for url in queues
        },
        **{name: s3.list_objects_v2(Bucket=name)["KeyCount"] for name in buckets},
        "secrets": [one["Name"] for one in secrets],
    }


def test_a_test_does_not_find_the_previous_tests_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    with moto(monkeypatch):
        before = count_everything()
        leave_everything()
        left = count_everything()
        dead = {name for name in before if name.endswith(("-dlq", "-dlq.fifo"))}
        assert {name for name in before if left[name] != before[name]} == before.keys() - dead
    with moto(monkeypatch):
        assert count_everything() == before
        leave_everything()
        assert count_everything() == left


def test_a_hook_into_a_client_ends_with_its_test(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    with moto(monkeypatch):
        clients.dynamodb_client().meta.events.register("before-call", lambda model, **_: heard.append(model.name))
        count_everything()
        assert "Scan" in heard
        heard.clear()
    with moto(monkeypatch):
        count_everything()
        assert not heard


def test_a_changed_secret_is_reset_for_the_next_test(monkeypatch: pytest.MonkeyPatch) -> None:
    with moto(monkeypatch):
        ours = secret.derive("test")
        changed = {"SecretId": settings.text("ROOT_SECRET"), "SecretString": "another"}
        clients.get_client("secretsmanager").put_secret_value(**changed)
        secret.clear_cache()
        assert secret.derive("test") != ours
    with moto(monkeypatch):
        assert secret.derive("test") == ours


@pytest.mark.usefixtures("cloud")
def test_a_transaction_that_fails_leaves_everything_as_it_was() -> None:
    key = {"pk": "org_1", "sk": "counter"}
    write_item(Put(table="activity", item={**key, "count": 1}))
    before = count_everything()
    with pytest.raises(ConditionFailedError):
        commit(
            Put(table="core", item={"pk": "org_1", "sk": "new"}),
            Update(table="activity", key=key, expression="ADD #n :one", names={"#n": "count"}, values={":one": 1}),
            ConditionCheck(table="core", key={"pk": "org_1", "sk": "absent"}, condition="attribute_exists(pk)"),
        )
    assert count_everything() == before
    assert get_item("activity", key) == {**key, "count": 1}
    assert get_item("core", {"pk": "org_1", "sk": "new"}) is None
