"""The whole system as plain data in one file. The CDK stacks, the local stack and the tests read it.

This module imports neither CDK nor AWS.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

# This import declares every job.
from switchboard.fanout import service as _fanout  # noqa: F401
from switchboard.kit import jobs

Access = Literal["read", "write"]

READ: frozenset[Access] = frozenset({"read"})
WRITE: frozenset[Access] = frozenset({"write"})
READ_WRITE: frozenset[Access] = frozenset({"read", "write"})
#: The IAM actions of each kind of access to a table.
TABLE_ACTIONS: dict[Access, tuple[str, ...]] = {
    "read": ("BatchGetItem", "ConditionCheckItem", "GetItem", "Query"),
    "write": ("BatchWriteItem", "ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem"),
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
    #: To admit people to the deployment's live transport.
    TRANSPORT = "transport"
    #: To post to the deployment's own callbacks.
    CALLBACKS = "callbacks"
    #: To sign people in by the deployment's identity provider.
    SIGN_IN = "sign_in"
    #: To look up a number in the national do-not-call registry.
    NATIONAL_REGISTRY = "national_registry"


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
    snapstart: bool = False
    #: How many invocations may run at once. `None` means as many as the account allows.
    reserved: int | None = None
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Group(Function):
    """A function behind an API, with the paths that it serves below the API's base path."""

    api: str = ""
    paths: tuple[str, ...] = ()
    snapstart: bool = True
    #: The media types of bodies that are passed on as bytes. API Gateway treats all other bodies as text.
    binary: tuple[str, ...] = ()
    #: Whether its responses are streamed. The function is then an ASGI app at `functions/<name>/app.py`. Its handler
    #: responds where streaming is not possible.
    streaming: bool = False


@dataclass(frozen=True)
class Worker(Function):
    """A function that receives jobs from a queue, or events from a table's stream."""

    queue: str | None = None
    stream: str | None = None
    batch: int = 10
    #: How long a batch may wait for more messages, in seconds.
    window: int = 0
    #: How many batches run at once. `None` means no limit.
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
class Api:
    """A REST API: its dialect, its base path on the domain, and the group that handles unknown paths."""

    name: str
    base_path: str
    fallback: str


TABLES = (
    Table("core", indexes=("gsi1",), ttl="expires", retained=True),
    # The indexes are the views of lists (`kit.listing`): each filter of a noun has its own index.
    Table("activity", indexes=("gsi1", "gsi2", "gsi3", "gsi4"), stream=True, ttl="expires", retained=True),
    Table("idempotency", keys=("id",), ttl="expiration"),
    Table("ratelimit", keys=("id",), ttl="expiration"),
    # Sessions of people in browsers, and sign-ins in progress.
    Table("sessions", keys=("id",), ttl="expiration"),
)

QUEUES = (
    Queue("audit", fifo=True, visibility_seconds=45),
    Queue("email"),
    Queue("email-events"),
    # A mail can have 40 MB.
    Queue("inbound-mail", visibility_seconds=150),
    Queue("dialer"),
    Queue("simulator"),
    Queue("voice-events"),
    # It also carries the reports of a transport.
    Queue("roleplay"),
    Queue("contacts"),
    Queue("projections"),
    # Three times as long as a language model may take.
    Queue("scoring", visibility_seconds=180),
    Queue("webhooks"),
    # Longer than the slowest response that a delivery waits for.
    Queue("deliveries", visibility_seconds=90, max_receives=20),
    Queue("slow-deliveries", visibility_seconds=90, max_receives=20),
    Queue("timers"),
)

#: How long dead letters wait for an operator: the longest time that SQS keeps a message.
DEAD_LETTERS_DAYS = 14
#: How long logs are kept.
LOGS_DAYS = 90

BUCKETS = (
    # The raw mail, kept so that somebody can look at it or parse it again.
    Bucket("inbound-mail", days=30, mail="inbound/"),
    Bucket("attachments"),
)

APIS = (
    Api("anima", "v1", fallback="anima/signup"),
    Api("opticomm", "functions/v1", fallback="opticomm/external_api"),
    Api("athos", "api/external/v1", fallback="athos/sessions"),
    Api("hum", "", fallback="hum/account"),
    # Callbacks of providers. Each request proves itself by its signature.
    Api("callbacks", "callbacks", fallback="callbacks/livekit"),
)

#: The tables of every request: the look-up of its key, its rate limits, and the record of an Idempotency-Key.
_EDGE = {"core": READ_WRITE, "ratelimit": WRITE, "idempotency": READ_WRITE}

#: The tables of every console request: it also reads its session, and writes when the session was last used.
_CONSOLE = _EDGE | {"sessions": READ_WRITE}

GROUPS = (
    Group(
        "anima/signup",
        api="anima",
        paths=("agent/{proxy+}",),
        tables=_EDGE | {"activity": WRITE},
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    Group(
        "anima/management",
        api="anima",
        paths=("agents", "agents/{proxy+}", "keys", "keys/{proxy+}", "billing/{proxy+}"),
        tables=_EDGE | {"activity": WRITE},
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    Group(
        "anima/compliance",
        api="anima",
        paths=("compliance/{proxy+}",),
        tables=_EDGE | {"activity": WRITE},
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    Group(
        "anima/email",
        api="anima",
        paths=("email/{proxy+}",),
        tables=_EDGE | {"activity": READ_WRITE},
        # Signed links to attachments work only with the function's own right to read them.
        buckets={"attachments": READ},
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    Group(
        "anima/audit",
        api="anima",
        paths=("audit/{proxy+}",),
        tables=_EDGE | {"activity": READ},
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    Group(
        "streams",
        api="anima",
        paths=("events/stream",),
        # A stream reads the leases to find out whether it gets a place.
        tables=_EDGE | {"activity": READ, "ratelimit": READ_WRITE},
        streaming=True,
        memory=512,
        # The longest time that a response may be streamed. Each open stream is a running function.
        seconds=900,
        # The places of all pools plus the reserve in switchboard/streams/pools.py: 300 and 60. A test compares them.
        reserved=360,
        snapstart=False,
    ),
    Group(
        "anima/voice",
        api="anima",
        paths=("voice/{proxy+}",),
        tables=_EDGE | {"activity": READ_WRITE},
        grants=frozenset({Grant.ROOT_SECRET, Grant.NATIONAL_REGISTRY}),
    ),
    Group(
        "anima/webhooks",
        api="anima",
        paths=("webhooks", "webhooks/{proxy+}"),
        tables=_EDGE | {"activity": READ_WRITE},
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    Group(
        "opticomm/external_api",
        api="opticomm",
        paths=("external-api",),
        # A repeated request reads the state of its limits without counting.
        tables=_EDGE | {"activity": READ_WRITE, "ratelimit": READ_WRITE},
        grants=frozenset({Grant.NATIONAL_REGISTRY}),
    ),
    Group(
        "athos/sessions",
        api="athos",
        paths=("session", "roleplay/{proxy+}"),
        tables={"core": READ_WRITE, "ratelimit": WRITE, "activity": READ_WRITE},
        grants=frozenset({Grant.ROOT_SECRET, Grant.TRANSPORT}),
    ),
    Group(
        "athos/calls",
        api="athos",
        paths=("calls", "calls/{proxy+}"),
        tables={"core": READ_WRITE, "ratelimit": WRITE, "activity": READ},
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    Group(
        "hum/account",
        api="hum",
        paths=("api/{proxy+}",),
        tables=_CONSOLE | {"activity": WRITE},
    ),
    Group(
        "hum/sign_in",
        api="hum",
        paths=("auth/{proxy+}",),
        # The link in an invite's mail lets a person join.
        tables={"core": READ_WRITE, "sessions": READ_WRITE, "ratelimit": WRITE, "activity": WRITE},
        grants=frozenset({Grant.ROOT_SECRET, Grant.SIGN_IN}),
    ),
    Group("hum/team", api="hum", paths=("api/team", "api/team/{proxy+}"), tables=_CONSOLE | {"activity": WRITE}),
    Group(
        "hum/blocklist",
        api="hum",
        paths=("api/blocklist", "api/blocklist/{proxy+}"),
        tables=_CONSOLE | {"activity": WRITE},
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    Group(
        "hum/contacts",
        api="hum",
        paths=("api/contacts", "api/contacts/{proxy+}"),
        tables=_CONSOLE | {"activity": WRITE},
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    Group("portal", api="hum", paths=("docs", "docs/{proxy+}", "openapi/{proxy+}"), tables={"ratelimit": WRITE}),
    Group(
        "callbacks/livekit",
        api="callbacks",
        paths=("livekit", "livekit/{proxy+}"),
        tables={"ratelimit": WRITE},
        sends=("roleplay",),
        grants=frozenset({Grant.TRANSPORT}),
        binary=("application/webhook+json",),
        # No person waits for the response, so that a cold start does no harm.
        snapstart=False,
    ),
    # Calls of test keys use the simulated provider in every stage.
    Group(
        "callbacks/simulator",
        api="callbacks",
        paths=("simulator/{proxy+}",),
        tables={"ratelimit": WRITE},
        sends=("voice-events",),
        grants=frozenset({Grant.ROOT_SECRET}),
        snapstart=False,
    ),
)

#: The queues of all jobs: an event, the outbox or a timer may send to any of them.
JOB_QUEUES = tuple(name for name in jobs.queues() if name != "timers")

WORKERS = (
    Worker("workers/fanout", stream="activity", sends=("audit", *JOB_QUEUES), batch=100, parallel=10),
    Worker(
        "workers/timers", queue="timers", tables={"activity": READ_WRITE}, sends=JOB_QUEUES, batch=1, concurrency=16
    ),
    Worker("workers/audit", queue="audit", tables={"activity": READ_WRITE}, batch=10, concurrency=100),
    Worker(
        "workers/email",
        queue="email",
        # Before it sends, it checks whether a recipient was suppressed, or the sender suspended or revoked, meanwhile.
        tables={"activity": READ_WRITE, "core": READ},
        # Unsubscribe links are derived from the root secret.
        grants=frozenset({Grant.MAIL, Grant.ROOT_SECRET}),
        # Each mail may have to wait for a provider that hangs.
        batch=5,
        concurrency=20,
    ),
    Worker(
        "workers/dialer",
        queue="dialer",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        batch=5,
        # The dialer also starts simulated calls.
        sends=("simulator",),
        grants=frozenset({Grant.NATIONAL_REGISTRY}),
        concurrency=20,
    ),
    Worker(
        "workers/webhooks",
        queue="webhooks",
        # It writes the health of receivers, with the times of their next checks.
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        sends=("deliveries",),
        concurrency=20,
    ),
    Worker(
        "workers/deliveries",
        queue="deliveries",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        sends=("deliveries", "slow-deliveries"),
        grants=frozenset({Grant.ROOT_SECRET}),
        concurrency=50,
        seconds=75,
    ),
    Worker(
        "workers/slow_deliveries",
        queue="slow-deliveries",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        sends=("deliveries", "slow-deliveries"),
        grants=frozenset({Grant.ROOT_SECRET}),
        concurrency=50,
        seconds=75,
    ),
    Worker(
        "workers/roleplay",
        queue="roleplay",
        tables={"activity": READ_WRITE, "core": WRITE},
        # The simulated transport sends its reports here, too.
        sends=("roleplay",),
        # The worker closes rooms when their calls end.
        grants=frozenset({Grant.TRANSPORT}),
        concurrency=20,
    ),
    Worker(
        "workers/scoring",
        queue="scoring",
        tables={"activity": READ_WRITE, "core": WRITE},
        grants=frozenset({Grant.LANGUAGE_MODEL}),
        batch=1,
        concurrency=20,
        seconds=150,
    ),
    Worker("workers/contacts", queue="contacts", tables={"activity": WRITE, "core": READ_WRITE}, concurrency=20),
    Worker("workers/projections", queue="projections", tables={"activity": READ, "core": READ_WRITE}, concurrency=20),
    # The simulated provider: it posts its callbacks, or handles them itself in a deployment without a domain.
    Worker(
        "workers/simulator",
        queue="simulator",
        tables={"activity": READ_WRITE},
        sends=("simulator", "voice-events"),
        grants=frozenset({Grant.ROOT_SECRET, Grant.CALLBACKS}),
        concurrency=20,
    ),
    # The limit keeps a burst of reports from using the concurrency that the APIs need.
    Worker(
        "workers/voice_events",
        queue="voice-events",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        concurrency=50,
    ),
    Worker(
        "workers/email_events", queue="email-events", tables={"activity": READ_WRITE, "core": WRITE}, concurrency=50
    ),
    Worker(
        "callbacks/email",
        queue="inbound-mail",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        buckets={"inbound-mail": READ, "attachments": WRITE},
        batch=1,
        concurrency=20,
        # Room for three copies of the largest mail that SES accepts.
        memory=1_024,
        seconds=120,
    ),
)

SCHEDULES = (
    Schedule("schedules/tick", tables={"activity": READ_WRITE}, sends=("timers",)),
    # Counts rows of law with an overdue review. An alarm watches the count.
    Schedule("schedules/law", tables={"core": READ}, rate_minutes=60),
)

FUNCTIONS: tuple[Function, ...] = (*GROUPS, *WORKERS, *SCHEDULES)


def table(name: str) -> Table:
    """The table of that name."""
    return next(table for table in TABLES if table.name == name)


def queue(name: str) -> Queue:
    """The queue of that name."""
    return next(queue for queue in QUEUES if queue.name == name)


def bucket(name: str) -> Bucket:
    """The bucket of that name."""
    return next(bucket for bucket in BUCKETS if bucket.name == name)


def function(name: str) -> Function:
    """The function of that name."""
    return next(function for function in FUNCTIONS if function.name == name)


def binary_types(api: Api, groups: Iterable[Group] = GROUPS) -> list[str]:
    """The media types that an API treats as bytes: those of all its groups. API Gateway has one list per API."""
    return sorted({one for group in groups if group.api == api.name for one in group.binary})


def feeds_itself(function: Function) -> bool:
    """Whether the jobs that a function sends may start it again, directly or through other workers.

    Lambda stops such a loop after 16 rounds, unless the function allows it.
    """
    mine = getattr(function, "queue", None)
    seen: set[str] = set()
    waiting = list(function.sends)
    while waiting:
        name = waiting.pop()
        if name == mine:
            return True
        if name not in seen:
            seen.add(name)
            waiting += [sent for worker in WORKERS if worker.queue == name for sent in worker.sends]
    return False
