"""DynamoDB and SQS that answer every request after a fixed time, in this process.

A request is made, signed and read as it is on AWS; only its way over the network is replaced by a wait. So a figure
says how many requests a design asks for, and how many of them wait for each other, and not how fast an engine is.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from infra import topology
from switchboard.aws import clients
from switchboard.kit.settings import env_key
from tests.conftest import clear_caches

#: What every request takes, in seconds.
SECONDS = 0.005
#: What one page of a query brings, in bytes.
_PAGE = 1_000_000
#: The part of a core that Lambda gives to a megabyte of memory.
CORES_A_MEGABYTE = 1 / 1_769

Answer = Callable[[dict[str, Any]], dict[str, Any]]


class Sent(NamedTuple):
    """A message that a queue took."""

    queue: str
    text: str
    group: str
    delay: int


class Cloud:
    """The stub. `requests` counts by operation; `sent` is what the queues took, `items` what the tables hold."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self.requests: Counter[str] = Counter()
        self.sent: list[Sent] = []
        self.items: dict[str, dict[str, dict[str, Any]]] = {}
        #: Texts of messages that SQS does not take.
        self.refuses: Callable[[str], bool] = lambda _: False
        self._lock = threading.Lock()
        self._answers: dict[str, Answer] = {
            "SendMessageBatch": self._send,
            "Query": self._query,
            "GetItem": self._get,
            "PutItem": lambda asked: self._put(asked["Item"]),
            "UpdateItem": self._update,
            "DeleteItem": lambda asked: self._delete(asked["Key"]),
            "BatchWriteItem": self._batch,
            "TransactWriteItems": self._transact,
        }

    def put(self, item: dict[str, Any]) -> None:
        """Let a table hold an item, in DynamoDB's own form."""
        self.items.setdefault(item["pk"]["S"], {})[item["sk"]["S"]] = item

    def listen(self, *services: str) -> None:
        """Answer the requests of this process's clients of these services."""
        for service in services:
            clients.get_client(service).meta.events.register_first("before-send", self._answer)

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        name = str(_text(request.headers["X-Amz-Target"])).rpartition(".")[2]
        if self.seconds:
            time.sleep(self.seconds)
        with self._lock:
            self.requests[name] += 1
            assert isinstance(request.body, str | bytes)
            found = self._answers[name](json.loads(request.body))
        return AWSResponse(request.url, 200, HTTPHeaders(), _Raw(json.dumps(found).encode()))

    def _send(self, asked: dict[str, Any]) -> dict[str, Any]:
        taken, failed = [], []
        for entry in asked["Entries"]:
            if self.refuses(entry["MessageBody"]):
                failed.append({"Id": entry["Id"], "SenderFault": True, "Code": "InvalidMessageContents"})
                continue
            queue = asked["QueueUrl"].rpartition("/")[2].removesuffix(".fifo")
            group, delay = entry.get("MessageGroupId", ""), entry.get("DelaySeconds", 0)
            self.sent.append(Sent(queue, entry["MessageBody"], group, delay))
            taken.append({"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": ""})
        return {"Successful": taken, "Failed": failed}

    def _query(self, asked: dict[str, Any]) -> dict[str, Any]:
        partition = self.items.get(asked["ExpressionAttributeValues"][":pk"]["S"], {})
        after = asked.get("ExclusiveStartKey", {}).get("sk", {}).get("S", "")
        found: list[dict[str, Any]] = []
        size = 0
        for place in sorted(name for name in partition if name > after):
            found.append(partition[place])
            size += len(json.dumps(partition[place]))
            if size > _PAGE:
                return {"Items": found, "LastEvaluatedKey": {name: found[-1][name] for name in ("pk", "sk")}}
        return {"Items": found}

    def _get(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = self.items.get(asked["Key"]["pk"]["S"], {}).get(asked["Key"]["sk"]["S"])
        return {"Item": found} if found else {}

    def _update(self, asked: dict[str, Any]) -> dict[str, Any]:
        # Only what is set to a value, which is all that a tick does.
        before = self._get(asked).get("Item", asked["Key"])
        names, values = asked.get("ExpressionAttributeNames", {}), asked["ExpressionAttributeValues"]
        parts = [part.split("=") for part in asked["UpdateExpression"].removeprefix("SET ").split(",")]
        item = {**before, **{names.get(name.strip(), name.strip()): values[value.strip()] for name, value in parts}}
        self.put(item)
        return {"Attributes": item}

    def _put(self, item: dict[str, Any]) -> dict[str, Any]:
        self.put(item)
        return {}

    def _delete(self, key: dict[str, Any]) -> dict[str, Any]:
        self.items.get(key["pk"]["S"], {}).pop(key["sk"]["S"], None)
        return {}

    def _batch(self, asked: dict[str, Any]) -> dict[str, Any]:
        for writes in asked["RequestItems"].values():
            for write in writes:
                if "DeleteRequest" in write:
                    self._delete(write["DeleteRequest"]["Key"])
                else:
                    self.put(write["PutRequest"]["Item"])
        return {}

    def _transact(self, asked: dict[str, Any]) -> dict[str, Any]:
        for write in asked["TransactItems"]:
            if "Put" in write:
                self.put(write["Put"]["Item"])
            elif "Delete" in write:
                self._delete(write["Delete"]["Key"])
        return {}


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


@contextmanager
def stubbed(cloud: Cloud, *, without: frozenset[str] = frozenset()) -> Iterator[Cloud]:
    """Run with the stub in AWS's place. `without` names queues that the function is not told of."""
    with patch.dict(os.environ, environ(without)):
        clear_caches()
        cloud.listen("dynamodb", "sqs")
        yield cloud
        clear_caches()


def environ(without: frozenset[str] = frozenset()) -> dict[str, str]:
    """What a function finds its tables and queues by."""
    url = "http://127.0.0.1:9/000000000000/"  # nothing is sent there
    found = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "load",
        "AWS_SECRET_ACCESS_KEY": "load",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "SWITCHBOARD_STAGE": "local",
        "SWITCHBOARD_LOG_LEVEL": "CRITICAL",
    }
    found |= {env_key("TABLE", table.name): table.name for table in topology.TABLES}
    suffix = {queue.name: ".fifo" if queue.fifo else "" for queue in topology.QUEUES}
    found |= {env_key("QUEUE", name): f"{url}{name}{end}" for name, end in suffix.items() if name not in without}
    return found
