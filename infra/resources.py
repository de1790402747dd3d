"""The kinds of resources that the topology is made of: tables, queues, buckets, functions and their grants."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

# This import declares every job.
from switchboard.fanout import service as _fanout  # noqa: F401

#: Only objects are deleted by a right of its own: for tables, to write is also to delete.
#: To scan a table and to list a bucket is for the deletion of an organization alone: no request needs it.
Access = Literal["read", "write", "delete", "scan", "list"]
READ: frozenset[Access] = frozenset({"read"})
WRITE: frozenset[Access] = frozenset({"write"})
READ_WRITE: frozenset[Access] = frozenset({"read", "write"})
READ_WRITE_DELETE: frozenset[Access] = READ_WRITE | {"delete"}
READ_WRITE_SCAN: frozenset[Access] = READ_WRITE | {"scan"}
LIST_DELETE: frozenset[Access] = frozenset({"list", "delete"})
#: The queue for the reports of the mail carrier.
MAIL_EVENTS = "email-events"
#: The stage of each API in API Gateway.
API_STAGE = "live"
#: The IAM actions of each kind of access to a table.
TABLE_ACTIONS: dict[Access, tuple[str, ...]] = {
    "read": ("BatchGetItem", "ConditionCheckItem", "GetItem", "Query"),
    "write": ("BatchWriteItem", "ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem"),
    "scan": ("Scan",),
}
#: The IAM actions on the objects of a bucket. The right to list is one of the bucket itself.
OBJECT_ACTIONS: dict[Access, tuple[str, ...]] = {
    "read": ("GetObject",),
    # A multipart upload needs the right to write, and its cancellation needs a right of its own.
    "write": ("AbortMultipartUpload", "PutObject"),
    "delete": ("DeleteObject",),
}


@dataclass(frozen=True)
class Table:
    """A DynamoDB table. `indexes` are named `gsi1` …, have the keys `gsi1pk` and `gsi1sk`, and hold keys only."""

    name: str
    keys: tuple[str, ...] = ("pk", "sk")
    indexes: tuple[str, ...] = ()
    stream: bool = False
    #: The TTL attribute: DynamoDB deletes an item after this time, in seconds since 1970.
    ttl: str | None = None
    #: Whether the data cannot be rebuilt: the table then has point-in-time recovery and deletion protection, and stays
    #: when the stack is deleted.
    retained: bool = False


@dataclass(frozen=True)
class Queue:
    """An SQS queue and its dead-letter queue.

    A worker returns failed messages itself, with a pause. So `visibility_seconds` is for a worker that was killed: a
    little longer than the worker's timeout. `max_receives` limits the retries after faults: with the growing pauses,
    twelve receives take 20 minutes.
    """

    name: str
    fifo: bool = False
    visibility_seconds: int = 60
    max_receives: int = 12


@dataclass(frozen=True)
class Bucket:
    """A private S3 bucket, kept when its stack goes."""

    name: str
    #: How long an object is kept, in days. `None` means forever.
    days: int | None = None
    #: The thing with which an object is kept, if it has no number of days.
    kept_with: str = "mail"
    #: The prefix under which SES stores inbound mail, if it does.
    mail: str | None = None


class Grant(StrEnum):
    """A right other than tables, buckets and queues: a secret or a provider (`infra/stacks/grants.py` has its row)."""

    #: To read the deployment's root secret (for signed cursors, and secrets that a retried request reproduces).
    ROOT_SECRET = "root_secret"  # noqa: S105 a name
    #: To send mail through SES.
    MAIL = "mail"
    #: To call the deployment's language model.
    LANGUAGE_MODEL = "language_model"
    #: To turn recordings into text.
    SPEECH = "speech"
    #: To admit people to the deployment's live transport.
    TRANSPORT = "transport"
    #: To check the captchas of widgets.
    CAPTCHA = "captcha"
    #: To post to the deployment's own callbacks.
    CALLBACKS = "callbacks"
    #: To sign people in by the deployment's identity provider.
    SIGN_IN = "sign_in"
    #: To look up a number in the national do-not-call registry.
    NATIONAL_REGISTRY = "national_registry"
    #: To search, buy and configure telephone numbers at the deployment's provider.
    NUMBERS = "numbers"
    #: To know the carrier of calls, its talker and the numbers that calls may show.
    VOICE = "voice"
    #: To know the carrier of text messages.
    TEXTS = "texts"
    #: To ask the deployment's provider of payments.
    PAYMENTS = "payments"
    #: To verify the notifications of the provider of payments.
    PAYMENT_NOTIFICATIONS = "payment_notifications"
    #: To know whether payments are simulated.
    SIMULATED_PAYMENTS = "simulated_payments"


@dataclass(frozen=True)
class Function:
    """A Lambda function at `functions/<name>/handler.py`, and everything that it may access."""

    name: str
    tables: dict[str, frozenset[Access]] = field(default_factory=dict)
    buckets: dict[str, frozenset[Access]] = field(default_factory=dict)
    sends: tuple[str, ...] = ()
    grants: frozenset[Grant] = frozenset()
    memory: int = 1_024
    seconds: int = 29
    #: Whether a production deployment keeps a snapshot for quick starts: for functions whose answers a call waits for.
    #: A snapshot of 1 GB costs about four dollars a month (docs/decisions/0020-alarms-and-idle-cost.md).
    snapstart: bool = False
    #: How many invocations may run at once. `None` means as many as the account allows.
    reserved: int | None = None
    settings: dict[str, str] = field(default_factory=dict)
    #: Folders of other functions whose files this function reads too, below `functions/`.
    includes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group(Function):
    """A function behind an API, with the paths that it serves below the API's base path."""

    api: str = ""
    paths: tuple[str, ...] = ()
    #: The requests of one address in a minute, for a group that strangers may call and that has few environments. The
    #: firewall blocks the address for this group alone.
    address_per_minute: int | None = None
    #: The media types of bodies that are passed on as bytes. API Gateway treats all other bodies as text.
    binary: tuple[str, ...] = ()
    #: Whether its responses are streamed. The function is then an ASGI app at `functions/<name>/app.py`. Its handler
    #: responds where streaming is not possible.
    streaming: bool = False
    #: Whether its operations do not have the form of their contract yet. The contract tests and the README's counts
    #: leave the operations of a draft out. A release has no drafts.
    draft: bool = False


@dataclass(frozen=True)
class Worker(Function):
    """A function that receives jobs from a queue, or events from a table's stream."""

    queue: str | None = None
    stream: str | None = None
    batch: int = 10
    #: How long a batch may wait for more messages, in seconds.
    window: int = 0
    #: How many batches of its queue run at once. A worker of a stream has `parallel` instead.
    concurrency: int | None = None
    #: How many batches of one shard of a stream run at once. The records of a partition key stay in order.
    parallel: int = 1
    memory: int = 512
    seconds: int = 30


@dataclass(frozen=True)
class Schedule(Function):
    """A function that EventBridge starts on a schedule."""

    rate_minutes: int = 1
    memory: int = 512
    seconds: int = 55


@dataclass(frozen=True)
class FixedAnswer:
    """A path below an API's base path whose answer is always the same. API Gateway gives it, without a function."""

    path: str
    body: str
    media_type: str


@dataclass(frozen=True)
class Api:
    """A REST API: its dialect, its base path on the domain, and the group that handles unknown paths."""

    name: str
    base_path: str
    fallback: str
    fixed: tuple[FixedAnswer, ...] = ()
    #: Whether a trace has API Gateway's part, which shows the path of a request. The functions are always traced.
    traced: bool = True
