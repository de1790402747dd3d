"""The whole system as plain data, on one page. Everything else reads it: the CDK stacks, the local stack, the tests.

No CDK and no AWS import here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Access = Literal["read", "write"]

READ: frozenset[Access] = frozenset({"read"})
WRITE: frozenset[Access] = frozenset({"write"})
READ_WRITE: frozenset[Access] = frozenset({"read", "write"})


@dataclass(frozen=True)
class Table:
    """A DynamoDB table. `indexes` are named `gsi1` …, with keys `gsi1pk` and `gsi1sk`."""

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
    """An SQS queue and its dead-letter queue. `seconds` is how long one job may take."""

    name: str
    fifo: bool = False
    seconds: int = 30
    receives: int = 5


@dataclass(frozen=True)
class Bucket:
    """A private S3 bucket, kept when its stack goes."""

    name: str
    #: How long an object is kept, in days; `None` is for ever.
    days: int | None = None
    #: Where SES writes the mail that comes in, below this prefix.
    mail: str | None = None


@dataclass(frozen=True)
class Function:
    """A Lambda function, at `functions/<name>/handler.py`, and all that it may touch."""

    name: str
    tables: dict[str, frozenset[Access]] = field(default_factory=dict)
    buckets: dict[str, frozenset[Access]] = field(default_factory=dict)
    sends: tuple[str, ...] = ()
    #: May read the deployment's root secret (signed cursors, secrets that a retried request makes again).
    root_secret: bool = False
    #: May send mail through SES.
    mail: bool = False
    #: May ask the deployment's language model.
    language_model: bool = False
    #: Lets people into the deployment's live transport.
    transport: bool = False
    #: May ask the deployment's identity provider who signs in.
    sign_in: bool = False
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
    memory: int = 512
    seconds: int = 60


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
    Table("core", indexes=("gsi1",), retained=True),
    Table("activity", indexes=("gsi1", "gsi2"), stream=True, retained=True),
    Table("idempotency", keys=("id",), ttl="expiration"),
    Table("ratelimit", keys=("id",), ttl="expiration"),
    # Of people in browsers, and of sign-ins under way.
    Table("sessions", keys=("id",), ttl="expiration"),
)

QUEUES = (
    Queue("audit", fifo=True),
    Queue("email"),
    Queue("email-events"),
    # A mail may have 40 MB.
    Queue("inbound-mail", seconds=120),
    Queue("dialer"),
    Queue("voice-events"),
    # A transport's reports among them.
    Queue("roleplay"),
    Queue("contacts"),
    # As long as a language model may take, three times over.
    Queue("scoring", seconds=150),
    Queue("webhooks"),
    # As long as the slowest answer that is waited for, and then some: what a killed worker held comes back soon.
    Queue("deliveries", seconds=75, receives=20),
    Queue("slow-deliveries", seconds=75, receives=20),
)

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
        root_secret=True,
    ),
    Group(
        "anima/management",
        api="anima",
        paths=("agents", "agents/{proxy+}", "keys", "keys/{proxy+}", "billing/{proxy+}"),
        tables=_EDGE | {"activity": WRITE},
        root_secret=True,
    ),
    Group(
        "anima/email",
        api="anima",
        paths=("email/{proxy+}",),
        tables=_EDGE | {"activity": READ_WRITE},
        # Links to attachments are signed with its right to read them.
        buckets={"attachments": READ},
        root_secret=True,
    ),
    Group(
        "anima/audit",
        api="anima",
        paths=("audit/{proxy+}",),
        tables=_EDGE | {"activity": READ},
        root_secret=True,
    ),
    Group(
        "streams",
        api="anima",
        paths=("events/stream",),
        tables=_EDGE | {"activity": READ},
        streaming=True,
        memory=512,
        # As long as an answer may take to be streamed. Each open stream is a running function.
        seconds=900,
        reserved=200,
        snapstart=False,
    ),
    Group(
        "anima/voice",
        api="anima",
        paths=("voice/{proxy+}",),
        tables=_EDGE | {"activity": READ_WRITE},
        root_secret=True,
    ),
    Group(
        "anima/webhooks",
        api="anima",
        paths=("webhooks", "webhooks/{proxy+}"),
        tables=_EDGE | {"activity": READ_WRITE},
        root_secret=True,
    ),
    Group(
        "opticomm/external_api",
        api="opticomm",
        paths=("external-api",),
        # A repetition is told how its limits stand, and does not count.
        tables=_EDGE | {"activity": READ_WRITE, "ratelimit": READ_WRITE},
    ),
    Group(
        "athos/sessions",
        api="athos",
        paths=("session", "roleplay/{proxy+}"),
        tables={"core": READ_WRITE, "ratelimit": WRITE, "activity": READ_WRITE},
        root_secret=True,
        transport=True,
    ),
    Group(
        "athos/calls",
        api="athos",
        paths=("calls", "calls/{proxy+}"),
        tables={"core": READ_WRITE, "ratelimit": WRITE, "activity": READ},
        root_secret=True,
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
        # Whoever signs in joins where they were invited.
        tables={"core": READ_WRITE, "sessions": READ_WRITE, "ratelimit": WRITE, "activity": WRITE},
        root_secret=True,
        sign_in=True,
    ),
    Group("hum/team", api="hum", paths=("api/team", "api/team/{proxy+}"), tables=_CONSOLE | {"activity": WRITE}),
    Group(
        "hum/blocklist",
        api="hum",
        paths=("api/blocklist", "api/blocklist/{proxy+}"),
        tables=_CONSOLE | {"activity": WRITE},
        root_secret=True,
    ),
    Group(
        "hum/contacts",
        api="hum",
        paths=("api/contacts", "api/contacts/{proxy+}"),
        tables=_CONSOLE | {"activity": WRITE},
        root_secret=True,
    ),
    Group("portal", api="hum", paths=("docs", "docs/{proxy+}", "openapi/{proxy+}"), tables={"ratelimit": WRITE}),
)

WORKERS = (
    Worker(
        "workers/fanout",
        stream="activity",
        tables={"activity": READ_WRITE},
        sends=("audit", "email", "dialer", "roleplay", "scoring", "contacts", "webhooks", "deliveries"),
        batch=100,
    ),
    Worker("workers/audit", queue="audit", tables={"activity": READ_WRITE}, batch=10),
    Worker("workers/email", queue="email", tables={"activity": READ_WRITE}, mail=True, concurrency=20),
    Worker(
        "workers/dialer",
        queue="dialer",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        sends=("dialer", "voice-events"),
        concurrency=20,
    ),
    Worker(
        "workers/webhooks",
        queue="webhooks",
        tables={"activity": READ_WRITE, "core": READ},
        sends=("webhooks", "deliveries"),
        concurrency=20,
    ),
    Worker(
        "workers/deliveries",
        queue="deliveries",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        sends=("deliveries", "slow-deliveries"),
        root_secret=True,
        concurrency=50,
        seconds=75,
    ),
    Worker(
        "workers/slow_deliveries",
        queue="slow-deliveries",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        sends=("deliveries", "slow-deliveries"),
        root_secret=True,
        concurrency=50,
        seconds=75,
    ),
    Worker(
        "workers/roleplay",
        queue="roleplay",
        tables={"activity": READ_WRITE, "core": WRITE},
        # The simulated transport reports here, too.
        sends=("roleplay",),
        concurrency=20,
    ),
    Worker(
        "workers/scoring",
        queue="scoring",
        tables={"activity": READ_WRITE, "core": WRITE},
        language_model=True,
        batch=1,
        concurrency=20,
        seconds=150,
    ),
    Worker("workers/contacts", queue="contacts", tables={"activity": WRITE, "core": READ_WRITE}, concurrency=20),
    Worker("workers/voice_events", queue="voice-events", tables={"activity": READ_WRITE, "core": READ_WRITE}),
    Worker("workers/email_events", queue="email-events", tables={"activity": READ_WRITE, "core": WRITE}),
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
    Schedule(
        "schedules/tick",
        tables={"activity": READ_WRITE},
        sends=("email", "dialer", "roleplay", "scoring", "contacts", "webhooks", "deliveries"),
    ),
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
