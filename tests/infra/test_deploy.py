"""The deployed system works: a request, a message and a tick reach their functions, with the environment of their
grants.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from infra import topology
from infra.local.engine import ACCOUNT, REGION
from infra.local.inbound_mail import notification
from switchboard.carriers.mail import ses
from switchboard.email.jobs import SendMail
from switchboard.email.models import MailState
from switchboard.kit import clock
from switchboard.kit.settings import env_key
from tests.infra.deployed import Deployed, wait_for_result


@pytest.fixture(scope="module")
def signed_up(deployed: Deployed) -> dict[str, Any]:
    """An organization, made by one request through API Gateway."""
    answer = deployed.request(
        "anima",
        "POST",
        "/agent/sign-up",
        json={"human_email": "owner@example.com", "username": "deployed", "name": "Deployed"},
        headers={"Idempotency-Key": uuid.uuid4().hex, "x-correlation-id": "corr-deployed"},
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-correlation-id"] == "corr-deployed"
    return dict(answer.json())


def test_a_request_reaches_its_group_and_is_stored(deployed: Deployed, signed_up: dict[str, Any]) -> None:
    organizations = [item for item in deployed.items("core") if item["pk"] == signed_up["organization_id"]]
    assert {"org", f"agent#{signed_up['agent_id']}"} <= {item["sk"] for item in organizations}


@pytest.mark.parametrize(
    ("api", "media_type", "code"),
    [
        ("anima", "application/problem+json", lambda body: body["code"]),
        ("opticomm", "application/json", lambda body: body["error"]),
        ("athos", "application/json", lambda body: body["error"]["code"]),
        ("hum", "application/json", lambda body: body["code"]),
    ],
)
def test_an_unknown_path_is_answered_in_the_dialect(
    deployed: Deployed, api: str, media_type: str, code: Callable[[dict[str, Any]], str]
) -> None:
    answer = deployed.request(api, "GET", "/nothing/here")
    assert (answer.status_code, answer.headers["content-type"]) == (404, media_type)
    assert code(answer.json()) in ("NOT_FOUND", "INVALID_ACTION", "INVALID_REQUEST", "not_found")


def test_an_event_goes_from_the_stream_to_the_workers_and_into_the_chain(
    deployed: Deployed, signed_up: dict[str, Any]
) -> None:
    message = wait_for_result(
        lambda: next((found for found in list_stored_mails(deployed) if found["state"] == MailState.DELIVERED), None)
    )
    assert message["org_id"] == signed_up["organization_id"]
    chain = f"{signed_up['organization_id']}#audit"
    wait_for_result(lambda: [item for item in deployed.items("activity") if item["pk"] == chain and item["seq"] >= 4])


def test_without_streaming_a_response_comes_when_there_are_events(
    deployed: Deployed, signed_up: dict[str, Any]
) -> None:
    headers = {"Authorization": f"Bearer {signed_up['master_key']}", "Last-Event-ID": "0", "x-correlation-id": "seen"}
    answer = deployed.request("anima", "GET", "/events/stream", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream"), answer.text
    assert answer.headers["x-correlation-id"] == "seen"
    assert "\nid: 1\ndata: {" in answer.text
    assert '"event":"organization.created"' in answer.text
    assert "event: " not in answer.text
    assert answer.text.endswith(": come again\n\n")
    refused = deployed.request("anima", "GET", "/events/stream", params={"channel": "fax"}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "VALIDATION_ERROR")


def test_a_message_reaches_its_worker(deployed: Deployed, signed_up: dict[str, Any]) -> None:
    message = wait_for_result(
        lambda: next((found for found in list_stored_mails(deployed) if found["state"] == MailState.DELIVERED), None)
    )
    sqs = deployed.client("sqs")
    queue = sqs.get_queue_url(QueueName=deployed.templates.name("email-events"))["QueueUrl"]
    tags = {ses.ORG_TAG: [message["org_id"]], ses.MESSAGE_TAG: [message["id"]]}
    complaint = {
        "eventType": "Complaint",
        "mail": {"messageId": "made-up", "timestamp": clock.now_iso(), "tags": tags},
        "complaint": {"complainedRecipients": [{"emailAddress": "owner@example.com"}], "timestamp": clock.now_iso()},
    }
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(complaint))
    # Only the platform sends this mail. It suppresses the mailbox and notifies no organization.
    wait_for_result(lambda: [item for item in deployed.items("core") if item.get("reason") == "complaint"])


def test_incoming_mail_is_stored_with_its_file(deployed: Deployed, signed_up: dict[str, Any]) -> None:
    raw = (
        b"From: ada@example.com\r\nSubject: To the deployed\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\n\r\nHello\r\n--b\r\nContent-Type: text/csv; name=rows.csv\r\n\r\n1,2\r\n--b--\r\n"
    )
    place = f"-{ACCOUNT}-{REGION}"
    bucket, files = (deployed.templates.name(name) + place for name in ("inbound-mail", "attachments"))
    deployed.client("s3").put_object(Bucket=bucket, Key="inbound/1", Body=raw)
    notice = notification(
        "1", "inbound/1", clock.now_iso(), "ada@example.com", [signed_up["inbox_id"]], {"spam": "PASS"}
    )
    sqs = deployed.client("sqs")
    queue = sqs.get_queue_url(QueueName=deployed.templates.name("inbound-mail"))["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(notice))
    message = wait_for_result(
        lambda: next((found for found in list_stored_mails(deployed) if found["state"] == MailState.RECEIVED), None)
    )
    assert (message["org_id"], message["subject"]) == (signed_up["organization_id"], "To the deployed")
    says = next(item for item in deployed.items("activity") if (item["pk"], item["sk"]) == (message["pk"], "content"))
    kept = deployed.client("s3").get_object(Bucket=files, Key=says["attachments"][0]["key"])
    assert kept["Body"].read() == b"1,2"


def test_a_tick_reaches_the_schedule_and_fires_due_timers(deployed: Deployed, signed_up: dict[str, Any]) -> None:
    # The rule may have ticked already. Reset the watermark so that this minute is handed out again.
    before = clock.format_iso(clock.now() - timedelta(minutes=2))[:16]
    deployed.put("activity", {"pk": "timers", "sk": "watermark", "minute": before, "shards": 16})
    due = clock.now_iso()
    timer = {"pk": f"timer#{due[:16]}#0", "sk": f"{due}#tmr_0", "id": "tmr_0", "due": due, "queue": "email"}
    body = SendMail(org_id=signed_up["organization_id"], message_id="msg_none").body
    deployed.put("activity", {**timer, "org_id": signed_up["organization_id"], "body": body})
    events = deployed.client("events")
    rule = deployed.templates.name("schedules/tick")
    assert events.describe_rule(Name=rule)["ScheduleExpression"] == "rate(1 minute)"
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    # The same event as the rule's, to the same target, now.
    tick = {"source": "aws.events", "detail-type": "Scheduled Event", "resources": [rule], "detail": {}}
    answer = deployed.client("lambda").invoke(FunctionName=target["Arn"], Payload=json.dumps(tick))
    assert json.load(answer["Payload"]) == {"jobs": 16}, "one job per shard"
    assert ("timers", "watermark") in count_remaining_timers(deployed)
    # The workers of the shards fire the timer.
    wait_for_result(lambda: (timer["pk"], timer["sk"]) not in count_remaining_timers(deployed))


def count_remaining_timers(deployed: Deployed) -> set[tuple[str, str]]:
    return {(item["pk"], item["sk"]) for item in deployed.items("activity")}


def test_an_operator_finds_the_deployment_by_its_stage(deployed: Deployed, described: dict[str, str]) -> None:
    named = deployed.templates.name
    assert {described[env_key("TABLE", table.name)] for table in topology.TABLES} == {
        named(table.name) for table in topology.TABLES
    }
    for queue in topology.QUEUES:
        assert described[env_key("QUEUE", queue.name)].endswith(named(queue.name) + (".fifo" if queue.fifo else ""))
    secret = deployed.client("secretsmanager").get_secret_value(SecretId=described["SWITCHBOARD_ROOT_SECRET"])
    assert len(secret["SecretString"]) == 64


def list_stored_mails(deployed: Deployed) -> list[dict[str, Any]]:
    """The stored mails, with their keys."""
    found = [item for item in deployed.items("activity") if item["sk"] == "message"]
    names = [item["pk"].split("#") for item in found]
    return [{**item, "org_id": org_id, "id": message} for item, (org_id, _, message) in zip(found, names, strict=True)]
