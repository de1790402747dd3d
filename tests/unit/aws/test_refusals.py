"""Throttled and failed requests to AWS are counted by service, also where botocore tries again and succeeds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from switchboard.aws import clients

Answers = list[tuple[int, dict[str, object]]]
KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """A DynamoDB that gives these answers, one after another."""
    given: Answers = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            status, body = given.pop(0)
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    clients.clear_clients()
    yield given
    clients.clear_clients()
    server.shutdown()
    server.server_close()


def counted(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [
        (name, line["Service"])
        for line in lines
        for name in ("AwsThrottled", "AwsFailed")
        if line.get(name) is not None
    ]


def refused(code: str, **more: object) -> dict[str, object]:
    return {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no", **more}


@pytest.mark.parametrize(
    ("status", "code", "metric"),
    [
        (400, "ProvisionedThroughputExceededException", "AwsThrottled"),
        (400, "ThrottlingException", "AwsThrottled"),
        (500, "InternalServerError", "AwsFailed"),
    ],
)
def test_a_request_that_succeeds_at_the_second_attempt_is_counted(
    answers: Answers, capsys: pytest.CaptureFixture[str], status: int, code: str, metric: str
) -> None:
    answers += [(status, refused(code)), (200, {})]
    clients.dynamodb_client().get_item(TableName="core", Key=KEY)
    assert counted(capsys) == [(metric, "dynamodb")]


def test_a_throttled_transaction_is_counted(answers: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    reasons = [{"Code": "None"}, {"Code": "ThrottlingError", "Message": "too many"}]
    answers.append((400, refused("TransactionCanceledException", CancellationReasons=reasons)))
    with pytest.raises(clients.ClientError):
        clients.dynamodb_client().transact_write_items(TransactItems=[{"Delete": {"TableName": "core", "Key": KEY}}])
    assert counted(capsys) == [("AwsThrottled", "dynamodb")]


def test_a_failed_condition_is_not_counted(answers: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    answers.append((400, refused("ConditionalCheckFailedException")))
    with pytest.raises(clients.ClientError):
        clients.dynamodb_client_without_retries().put_item(TableName="core", Item=KEY)
    assert counted(capsys) == []
