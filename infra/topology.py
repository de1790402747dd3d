"""The whole system as plain data, on one page. Everything else reads it: the CDK stacks, the local stack, the tests.

No CDK and no AWS import here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

# Every job is declared by what this imports.
from switchboard.fanout import service as _fanout  # noqa: F401
from switchboard.kit import jobs

Access = Literal["read", "write"]

READ: frozenset[Access] = frozenset({"read"})
WRITE: frozenset[Access] = frozenset({"write"})
READ_WRITE: frozenset[Access] = frozenset({"read", "write"})
#: What a table lets a function do, by IAM's names.
TABLE_ACTIONS: dict[Access, tuple[str, ...]] = {
    "read": ("BatchGetItem", "ConditionCheckItem", "GetItem", "Query"),
    "write": ("BatchWriteItem", "ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem"),
}


@dataclass(frozen=True)
class Table:
    """A DynamoDB table. `indexes` are named `gsi1` …, with keys `gsi1pk` and `gsi1sk`, and hold keys alone."""

    name: str
    keys: tuple[str, ...] = ("pk", "sk")
    indexes: tuple[str, ...] = ()
    stream: bool = False
    #: The attribute that DynamoDB deletes by, in seconds since 1970.
    ttl: str | None = None
    #: What cannot be made again: point-in-time recovery, deletion protection, kept when the stack goes.
    retained: bool = False


@dataclass(frozen=True)
class Queue:
    """An SQS queue and its dead-letter queue.

    A worker puts back what failed, with a pause of its own. So `visibility_seconds` is for a worker that was killed: a
    little longer than one may run. Receives are for faults: with the growing pauses twelve of them take 20 minutes.
    """

    name: str
    fifo: bool = False
    visibility_seconds: int = 60
    max_receives: int = 12


@dataclass(frozen=True)
class Bucket:
    """A private S3 bucket, kept when its stack goes."""

    name: str
    #: How long an object is kept, in days; `None` is for ever.
    days: int | None = None
    #: Where SES writes the mail that comes in, below this prefix.
    mail: str | None = None


class Grant(StrEnum):
    """A right beside tables, buckets and queues: a secret, or a provider (`infra/stacks/grants.py` has its row)."""

    #: To read the deployment's root secret (signed cursors, secrets that a retried request makes again).
    ROOT_SECRET = "root_secret"  # noqa: S105 a name
    #: To send mail through SES.
    MAIL = "mail"
    #: To ask the deployment's language model.
    LANGUAGE_MODEL = "language_model"
    #: To let people into the deployment's live transport.
    TRANSPORT = "transport"
    #: To post to the deployment's own callbacks.
    CALLBACKS = "callbacks"
    #: To ask the deployment's identity provider who signs in.
    SIGN_IN = "sign_in"
    #: To ask whether a number is on the national do-not-call registry.
    NATIONAL_REGISTRY = "national_registry"


@dataclass(frozen=True)
class Function:
    """A Lambda function, at `functions/<name>/handler.py`, and all that it may touch."""

    name: str
    tables: dict[str, frozenset[Access]] = field(default_factory=dict)
    buckets: dict[str, frozenset[Access]] = field(default_factory=dict)
    sends: tuple[str, ...] = ()
    grants: frozenset[Grant] = frozenset()
    memory: int = 1_024
    seconds: int = 29
    snapstart: bool = False
    #: How many of it may run at once; `None` is as many as the account allows.
    reserved: int | None = None
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Group(Function):
    """A function behind an API, and the paths below the API's base path that it serves."""

    api: str = ""
    paths: tuple[str, ...] = ()
    snapstart: bool = True
    #: The media types of bodies that are handed over byte by byte. API Gateway takes everything else for text.
    binary: tuple[str, ...] = ()
    #: Whether its answers are sent while they are written. It is an ASGI app then, at `functions/<name>/app.py`, and
    #: its handler is what answers where nothing can be streamed.
    streaming: bool = False


@dataclass(frozen=True)
class Worker(Function):
    """A function that takes jobs from a queue, or events from a table's stream."""

    queue: str | None = None
    stream: str | None = None
    batch: int = 10
    #: How long a batch may wait to fill, in seconds.
    window: int = 0
    #: How many batches run at once; `None` is as many as there are.
    concurrency: int | None = None
    #: How many batches of one shard of a stream run at once; a partition key's records stay in order.
    parallel: int = 1
    memory: int = 512
    seconds: int = 30


@dataclass(frozen=True)
class Schedule(Function):
    """A function that EventBridge starts."""

    rate_minutes: int = 1
    memory: int = 512
    seconds: int = 55


@dataclass(frozen=True)
class Api:
    """A REST API: its dialect, its place on the domain, and the group that answers what no path is for."""

    name: str
    base_path: str
    fallback: str


TABLES = (
    Table("core", indexes=("gsi1",), ttl="expires", retained=True),
    # Views of lists (`kit.listing`): what a noun filters by has an index of its own.
    Table("activity", indexes=("gsi1", "gsi2", "gsi3", "gsi4"), stream=True, ttl="expires", retained=True),
    Table("idempotency", keys=("id",), ttl="expiration"),
    Table("ratelimit", keys=("id",), ttl="expiration"),
    # Of people in browsers, and of sign-ins under way.
    Table("sessions", keys=("id",), ttl="expiration"),
)

QUEUES = (
    Queue("audit", fifo=True, visibility_seconds=45),
    Queue("email"),
    Queue("email-events"),
    # A mail may have 40 MB.
    Queue("inbound-mail", visibility_seconds=150),
    Queue("dialer"),
    Queue("simulator"),
    Queue("voice-events"),
    # A transport's reports among them.
    Queue("roleplay"),
    Queue("contacts"),
    Queue("projections"),
    # As long as a language model may take, three times over.
    Queue("scoring", visibility_seconds=180),
    Queue("webhooks"),
    # As long as the slowest answer that is waited for, and then some.
    Queue("deliveries", visibility_seconds=90, max_receives=20),
    Queue("slow-deliveries", visibility_seconds=90, max_receives=20),
    Queue("timers"),
)

#: How long what failed for good waits for an operator: as long as SQS keeps anything.
DEAD_LETTERS_DAYS = 14
#: How long logs are kept.
LOGS_DAYS = 90

BUCKETS = (
    # As it came, for as long as somebody may want to look at it, or to have it taken apart again.
    Bucket("inbound-mail", days=30, mail="inbound/"),
    Bucket("attachments"),
)

APIS = (
    Api("anima", "v1", fallback="anima/signup"),
    Api("opticomm", "functions/v1", fallback="opticomm/external_api"),
    Api("athos", "api/external/v1", fallback="athos/sessions"),
    Api("hum", "", fallback="hum/account"),
    # Providers that call back. Each proves itself by its signature.
    Api("callbacks", "callbacks", fallback="callbacks/livekit"),
)

#: What every request needs: the key's look-up, its limits, and the record of an Idempotency-Key.
_EDGE = {"core": READ_WRITE, "ratelimit": WRITE, "idempotency": READ_WRITE}

#: What every request of the console needs: the session besides, which is noted as used.
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
        # Links to attachments are signed with its right to read them.
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
        # One read of the leases decides whether a stream gets a place.
        tables=_EDGE | {"activity": READ, "ratelimit": READ_WRITE},
        streaming=True,
        memory=512,
        # As long as an answer may take to be streamed. Each open stream is a running function.
        seconds=900,
        # The places of all pools and the spare of switchboard/streams/pools.py: 300 and 60. A test compares them.
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
        # A repetition is told how its limits stand, and does not count.
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
        # The link of an invite's mail lets its owner join.
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
        # Nobody waits at a browser for it.
        snapstart=False,
    ),
    # Test keys call by the simulated provider in every stage.
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

#: The queues of all jobs: an event, the outbox and a timer may each bring any of them.
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
        # Its claim asks whether a recipient was suppressed, and who sends it suspended or revoked, meanwhile.
        tables={"activity": READ_WRITE, "core": READ},
        # The links by which its recipients stop mail are made from the root secret.
        grants=frozenset({Grant.MAIL, Grant.ROOT_SECRET}),
        # A provider that hangs is waited for, each time.
        batch=5,
        concurrency=20,
    ),
    Worker(
        "workers/dialer",
        queue="dialer",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        batch=5,
        # What happens in simulated calls.
        sends=("simulator",),
        grants=frozenset({Grant.NATIONAL_REGISTRY}),
        concurrency=20,
    ),
    Worker(
        "workers/webhooks",
        queue="webhooks",
        # It notes the moments of a receiver's wake-up and watch beside its health.
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
        # The simulated transport reports here, too.
        sends=("roleplay",),
        # Rooms are closed when their calls end.
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
    # The simulated provider: it posts its callbacks, or takes them itself where there is no domain to post them to.
    Worker(
        "workers/simulator",
        queue="simulator",
        tables={"activity": READ_WRITE},
        sends=("simulator", "voice-events"),
        grants=frozenset({Grant.ROOT_SECRET, Grant.CALLBACKS}),
        concurrency=20,
    ),
    # A storm of reports may not take the account's concurrency from the APIs.
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
        # Of the largest mail that SES takes, three copies at once.
        memory=1_024,
        seconds=120,
    ),
)

SCHEDULES = (
    Schedule("schedules/tick", tables={"activity": READ_WRITE}, sends=("timers",)),
    # Counts what an alarm tells of: laws that should have been looked up again.
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
    """The media types that an API takes for bytes: those of all its groups, since API Gateway has one list an API."""
    return sorted({one for group in groups if group.api == api.name for one in group.binary})


def feeds_itself(function: Function) -> bool:
    """Whether what a function sends may start it again, directly or through other workers.

    Lambda stops such a chain after 16 rounds, unless the function says that it is meant.
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
