"""Creates the topology's resources in the engine. Existing resources stay unchanged."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra import resources, topology
from infra.local import files
from infra.local.aws import engine_client
from switchboard.kit.settings import env_key

SENDER_DOMAIN = "switchboard.example"
AGENTS_DOMAIN = f"agents.{SENDER_DOMAIN}"
ROOT_SECRET = "switchboard/root"  # noqa: S105 a name

_EXISTS = frozenset(
    {
        *("ResourceInUseException", "ResourceExistsException", "ConfigurationSetAlreadyExists", "ConflictException"),
        *("BucketAlreadyExists", "BucketAlreadyOwnedByYou"),
        *("QueueAlreadyExists", "QueueNameExists", "AWS.SimpleQueueService.QueueNameExists"),
    }
)


def provision(environ: dict[str, str], memory: Path | None = None, *, reaped: bool = True) -> dict[str, str]:
    """Create the tables, queues, buckets, secret and mail identity. Returns the settings of functions that use them.

    The root secret is written to the file `memory` before its first use, because the engine may lose it. Without
    `reaped` the engine deletes no items by TTL: for tests with a clock in the past.
    """
    make = _Maker(environ, reaped=reaped)
    found = {
        "SWITCHBOARD_STAGE": "local",
        "SWITCHBOARD_ROOT_SECRET": ROOT_SECRET,
        "SWITCHBOARD_AGENTS_DOMAIN": AGENTS_DOMAIN,
        "SWITCHBOARD_PLATFORM_SENDER": f"welcome@{SENDER_DOMAIN}",
        "SWITCHBOARD_MAIL_CARRIER": "ses",
        "SWITCHBOARD_TRANSCRIBER": "sphinx",
        "SWITCHBOARD_REASSIGNED_NUMBERS": "simulator",
        "SWITCHBOARD_NATIONAL_REGISTRY": "simulator",
        "SWITCHBOARD_OUTBOUND_LOOPBACK": "on",
        # On one's own machine every sign-up comes from the same address, and nobody else's limit is at stake.
        "SWITCHBOARD_SIGN_UPS_PER_HOUR": "1000",
        "SWITCHBOARD_PUBLIC_URL": "http://localhost:8080",
        "SWITCHBOARD_OIDC_ISSUER": "http://localhost:8081",
    }
    for table in topology.TABLES:
        found[env_key("TABLE", table.name)] = make.make_table(table)
    for queue in topology.QUEUES:
        found[env_key("QUEUE", queue.name)] = make.make_queue(queue)
    for bucket in topology.BUCKETS:
        found[env_key("BUCKET", bucket.name)] = make.make_bucket(bucket)
    make.make_secret(memory)
    make.make_sender()
    return found


def physical(name: str) -> str:
    """The name of a resource in the engine."""
    return f"switchboard-local-{name}"


class _Maker:
    def __init__(self, environ: dict[str, str], *, reaped: bool = True) -> None:
        self._environ, self._reaped = environ, reaped
        self._clients: dict[str, Any] = {}

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = engine_client(self._environ, service)
        return self._clients[service]

    def make_table(self, table: resources.Table) -> str:
        client, name = self._client("dynamodb"), physical(table.name)
        attributes = [*table.keys, *(f"{index}{part}" for index in table.indexes for part in ("pk", "sk"))]
        request: dict[str, Any] = {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": attribute, "AttributeType": "S"} for attribute in attributes],
            "KeySchema": _schema(table.keys),
        }
        if table.indexes:
            request["GlobalSecondaryIndexes"] = [
                {
                    "IndexName": index,
                    "KeySchema": _schema((f"{index}pk", f"{index}sk")),
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
                for index in table.indexes
            ]
        if table.stream:
            request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        self._make_unless_exists(lambda: client.create_table(**request))
        # Check each time: the table may be older than its TTL attribute, or an earlier start ended between both steps.
        if (
            table.ttl
            and self._reaped
            and client.describe_time_to_live(TableName=name)["TimeToLiveDescription"].get("AttributeName") is None
        ):
            client.update_time_to_live(
                TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": table.ttl}
            )
        return name

    def make_queue(self, queue: resources.Queue) -> str:
        client, suffix = self._client("sqs"), ".fifo" if queue.fifo else ""
        kind = {"FifoQueue": "true"} if queue.fifo else {}
        dead = client.create_queue(QueueName=physical(f"{queue.name}-dlq{suffix}"), Attributes=kind)["QueueUrl"]
        account, dead_name = dead.split("/")[-2:]
        arn = f"arn:aws:sqs:{self._environ['AWS_REGION']}:{account}:{dead_name}"
        name = physical(f"{queue.name}{suffix}")
        settings = {
            "VisibilityTimeout": str(queue.visibility_seconds),
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": queue.max_receives}),
        }
        new = self._make_unless_exists(lambda: client.create_queue(QueueName=name, Attributes=kind | settings))
        url: str = client.get_queue_url(QueueName=name)["QueueUrl"]
        if not new:
            # The queue is from an earlier start, and the topology may have changed since.
            client.set_queue_attributes(QueueUrl=url, Attributes=settings)
        return url

    def make_bucket(self, bucket: resources.Bucket) -> str:
        # Objects do not expire on this machine: `make reset` deletes them.
        client, name = self._client("s3"), physical(bucket.name)
        self._make_unless_exists(lambda: client.create_bucket(Bucket=name))
        return name

    def make_secret(self, memory: Path | None) -> None:
        client = self._client("secretsmanager")
        text = memory.read_text() if memory and memory.exists() else None
        if text is None:
            text = self._secret_of_an_earlier_start() or secrets.token_urlsafe(48)
            if memory:
                files.write(memory, text)
        if not self._make_unless_exists(lambda: client.create_secret(Name=ROOT_SECRET, SecretString=text)) and memory:
            client.put_secret_value(SecretId=ROOT_SECRET, SecretString=text)

    def _secret_of_an_earlier_start(self) -> str | None:
        client = self._client("secretsmanager")
        try:
            return str(client.get_secret_value(SecretId=ROOT_SECRET)["SecretString"])
        except client.exceptions.ResourceNotFoundException:
            return None

    def make_sender(self) -> None:
        client = self._client("ses")
        for domain in (SENDER_DOMAIN, AGENTS_DOMAIN):
            client.verify_domain_identity(Domain=domain)

    @staticmethod
    def _make_unless_exists(make: Any) -> bool:
        try:
            make()
        except ClientError as error:
            if error.response["Error"]["Code"] not in _EXISTS:
                raise
            return False
        return True


def _schema(keys: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)]
