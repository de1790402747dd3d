"""The synthesised templates, deployed to the local engine through CloudFormation: a request, a message and a tick
reach the functions that stand there, each with the environment that its grants give it and nothing else."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import httpx
import pytest

from infra import topology
from infra.local.engine import ACCOUNT, REGION, Engine
from infra.local.inbound import notification
from switchboard.aws import clock, deployment, session
from switchboard.aws.settings import env_key
from switchboard.carriers.mail import ses
from switchboard.email.models import State
from tests.infra.templates import Templates


class Deployed:
    """A deployment in the engine's first account: its API gateway asks nobody who they are, and looks there."""

    def __init__(self, engine: Engine, templates: Templates) -> None:
        self._engine, self.templates = engine, templates
        environ = engine.environ(ACCOUNT)
        self._session = boto3.Session(
            environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], region_name=environ["AWS_REGION"]
        )
        self._bucket = f"cdk-hnb659fds-assets-{ACCOUNT}-{environ['AWS_REGION']}"

    def client(self, service: str) -> Any:
        """A client of the engine."""
        return self._session.client(service, endpoint_url=self._engine.url)  # type: ignore[call-overload]

    def deploy(self) -> None:
        """Do what `cdk bootstrap` and `cdk deploy` do."""
        self.client("s3").create_bucket(Bucket=self._bucket)
        version = {"Name": "/cdk-bootstrap/hnb659fds/version", "Value": "30", "Type": "String"}
        self.client("ssm").put_parameter(**version)
        for name, artifact in self.templates.artifacts.items():
            self._upload(json.loads((self.templates.assembly / f"{name}.assets.json").read_text())["files"])
            template = artifact["properties"]["stackTemplateAssetObjectUrl"].rsplit("/", 1)[1]
            self._create(name, f"{self._engine.url}/{self._bucket}/{template}")

    def _upload(self, files: dict[str, Any]) -> None:
        for file in files.values():
            source = self.templates.assembly / file["source"]["path"]
            for destination in file["destinations"].values():
                self.client("s3").upload_file(str(source), self._bucket, destination["objectKey"])

    def _create(self, name: str, url: str) -> None:
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(StackName=name, TemplateURL=url, Capabilities=["CAPABILITY_IAM"])
        stack = cloudformation.describe_stacks
        eventually(lambda: not stack(StackName=name)["Stacks"][0]["StackStatus"].endswith("_IN_PROGRESS"))
        made = stack(StackName=name)["Stacks"][0]
        assert made["StackStatus"] == "CREATE_COMPLETE", made

    def request(self, api: str, method: str, path: str, **options: Any) -> httpx.Response:
        """A request to an API at its own address, where the domain's base path is no part of the path."""
        rests = self.client("apigateway").get_rest_apis()["items"]
        id_ = next(rest["id"] for rest in rests if rest["name"] == self.templates.name("api", api))
        url = f"{self._engine.url}/restapis/{id_}/live/_user_request_{path}"
        return httpx.request(method, url, timeout=30, **options)

    def items(self, table: str) -> list[dict[str, Any]]:
        """Everything in a table."""
        resource = self._session.resource("dynamodb", endpoint_url=self._engine.url)
        return list(resource.Table(self.templates.name(table)).scan()["Items"])

    def put(self, table: str, item: dict[str, Any]) -> None:
        """Put an item into a table."""
        resource = self._session.resource("dynamodb", endpoint_url=self._engine.url)
        resource.Table(self.templates.name(table)).put_item(Item=item)


@pytest.fixture(scope="module")
def deployed(running_engine: Engine, for_engine: Templates) -> Iterator[Deployed]:
    """The whole system in the engine."""
    made = Deployed(running_engine, for_engine)
    made.deploy()
    yield made
    cloudformation = made.client("cloudformation")
    for name in reversed(for_engine.artifacts):
        cloudformation.delete_stack(StackName=name)


@pytest.fixture(scope="module")
def signed_up(deployed: Deployed) -> dict[str, Any]:
    """An organisation, made by one request through API Gateway."""
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


def test_a_request_reaches_its_group_and_is_kept(deployed: Deployed, signed_up: dict[str, Any]) -> None:
    organisations = [item for item in deployed.items("core") if item["pk"] == signed_up["organization_id"]]
    assert {"org", f"agent#{signed_up['agent_id']}"} <= {item["sk"] for item in organisations}


@pytest.mark.parametrize(
    ("api", "media_type", "code"),
    [
        ("anima", "application/problem+json", lambda body: body["code"]),
        ("opticomm", "application/json", lambda body: body["error"]),
        ("athos", "application/json", lambda body: body["error"]["code"]),
        ("hum", "application/json", lambda body: body["code"]),
    ],
)
def test_a_path_that_is_nobodys_is_answered_in_the_dialect(
    deployed: Deployed, api: str, media_type: str, code: Callable[[dict[str, Any]], str]
) -> None:
    answer = deployed.request(api, "GET", "/nothing/here")
    assert (answer.status_code, answer.headers["content-type"]) == (404, media_type)
    assert code(answer.json()) in ("NOT_FOUND", "INVALID_ACTION", "INVALID_REQUEST", "not_found")


def test_an_event_goes_from_the_stream_to_the_workers_and_into_the_chain(
    deployed: Deployed, signed_up: dict[str, Any]
) -> None:
    message = eventually(
        lambda: next((found for found in messages(deployed) if found["state"] == State.DELIVERED), None)
    )
    assert message["org_id"] == signed_up["organization_id"]
    chain = f"{signed_up['organization_id']}#audit"
    eventually(lambda: [item for item in deployed.items("activity") if item["pk"] == chain and item["seq"] >= 4])


def test_what_cannot_be_streamed_is_answered_when_there_is_something_to_say(
    deployed: Deployed, signed_up: dict[str, Any]
) -> None:
    headers = {"Authorization": f"Bearer {signed_up['master_key']}", "Last-Event-ID": "0", "x-correlation-id": "seen"}
    answer = deployed.request("anima", "GET", "/events/stream", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream"), answer.text
    assert answer.headers["x-correlation-id"] == "seen"
    assert "\nid: 1\nevent: organization.created\ndata: {" in answer.text
    assert answer.text.endswith(": come again\n\n")
    refused = deployed.request("anima", "GET", "/events/stream", params={"channel": "fax"}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "VALIDATION_ERROR")


def test_a_message_reaches_its_worker(deployed: Deployed, signed_up: dict[str, Any]) -> None:
    message = eventually(
        lambda: next((found for found in messages(deployed) if found["state"] == State.DELIVERED), None)
    )
    sqs = deployed.client("sqs")
    queue = sqs.get_queue_url(QueueName=deployed.templates.name("email-events"))["QueueUrl"]
    tags = {ses.ORG_TAG: [message["org_id"]], ses.MESSAGE_TAG: [message["id"]]}
    complaint = {
        "eventType": "Complaint",
        "mail": {"messageId": "made-up", "timestamp": clock.stamp(), "tags": tags},
        "complaint": {"complainedRecipients": [{"emailAddress": "owner@example.com"}], "timestamp": clock.stamp()},
    }
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(complaint))
    suppressed = f"{message['org_id']}#suppressed"
    eventually(lambda: [item for item in deployed.items("core") if item["pk"] == suppressed])


def test_mail_that_comes_in_lands_with_its_file(deployed: Deployed, signed_up: dict[str, Any]) -> None:
    raw = (
        b"From: ada@example.com\r\nSubject: To the deployed\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\n\r\nHello\r\n--b\r\nContent-Type: text/csv; name=rows.csv\r\n\r\n1,2\r\n--b--\r\n"
    )
    place = f"-{ACCOUNT}-{REGION}"
    bucket, files = (deployed.templates.name(name) + place for name in ("inbound-mail", "attachments"))
    deployed.client("s3").put_object(Bucket=bucket, Key="inbound/1", Body=raw)
    notice = notification("1", "inbound/1", clock.stamp(), "ada@example.com", [signed_up["inbox_id"]], {"spam": "PASS"})
    sqs = deployed.client("sqs")
    queue = sqs.get_queue_url(QueueName=deployed.templates.name("inbound-mail"))["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(notice))
    message = eventually(
        lambda: next((found for found in messages(deployed) if found["state"] == State.RECEIVED), None)
    )
    assert (message["org_id"], message["subject"]) == (signed_up["organization_id"], "To the deployed")
    kept = deployed.client("s3").get_object(Bucket=files, Key=message["attachments"][0]["key"])
    assert kept["Body"].read() == b"1,2"


def test_a_tick_reaches_the_schedule_and_fires_what_is_due(deployed: Deployed, signed_up: dict[str, Any]) -> None:
    due = clock.stamp()
    timer = {"pk": f"timer#{due[:16]}#0", "sk": f"{due}#tmr_0", "id": "tmr_0", "due": due, "queue": "email"}
    body = {"job": "confirm", "org_id": signed_up["organization_id"], "message_id": "msg_none"}
    deployed.put("activity", {**timer, "org_id": signed_up["organization_id"], "body": body})
    events = deployed.client("events")
    rule = deployed.templates.name("schedules/tick")
    assert events.describe_rule(Name=rule)["ScheduleExpression"] == "rate(1 minute)"
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    # The rule's own first tick comes a minute after the deployment: this is the same event, to the same target, now.
    tick = {"source": "aws.events", "detail-type": "Scheduled Event", "resources": [rule], "detail": {}}
    answer = deployed.client("lambda").invoke(FunctionName=target["Arn"], Payload=json.dumps(tick))
    assert json.load(answer["Payload"]) == {"fired": 1}
    left = {(item["pk"], item["sk"]) for item in deployed.items("activity")}
    assert (timer["pk"], timer["sk"]) not in left
    assert ("timers", "watermark") in left


def test_an_operator_finds_the_deployment_by_its_stage(
    deployed: Deployed, running_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in running_engine.environ(ACCOUNT).items():
        monkeypatch.setenv(name, value)
    session.forget()
    found = deployment.environ("test")
    session.forget()
    named = deployed.templates.name
    assert {found[env_key("TABLE", table.name)] for table in topology.TABLES} == {
        named(table.name) for table in topology.TABLES
    }
    for queue in topology.QUEUES:
        assert found[env_key("QUEUE", queue.name)].endswith(named(queue.name) + (".fifo" if queue.fifo else ""))
    secret = deployed.client("secretsmanager").get_secret_value(SecretId=found["SWITCHBOARD_ROOT_SECRET"])
    assert len(secret["SecretString"]) == 64


def messages(deployed: Deployed) -> list[dict[str, Any]]:
    """The mails that are there."""
    return [item for item in deployed.items("activity") if item["sk"] == "message"]


def eventually(what: Callable[[], Any], seconds: float = 30) -> Any:
    """What a call answers, as soon as it is something."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)
    return found
