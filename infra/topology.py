"""The whole system as plain data in one file. The CDK stacks, the local stack and the tests read it.

This module imports neither CDK nor AWS.
"""

from __future__ import annotations

from collections.abc import Iterable

from infra.resources import (
    LIST_DELETE,
    READ,
    READ_WRITE,
    READ_WRITE_DELETE,
    READ_WRITE_SCAN,
    WRITE,
    Api,
    Bucket,
    FixedAnswer,
    Function,
    Grant,
    Group,
    Queue,
    Schedule,
    Table,
    Worker,
)
from switchboard.calls import twilio_callbacks

# This import declares every job.
from switchboard.fanout import service as _fanout  # noqa: F401
from switchboard.kit import jobs
from switchboard.messaging import jobs as _text_jobs  # noqa: F401 no event starts them
from switchboard.numbers import configuration
from switchboard.offboarding import jobs as _offboarding_jobs  # noqa: F401 no event starts it
from switchboard.offboarding.sweeping import BUCKETS as OWNED_BUCKETS

TABLES = (
    Table("core", indexes=("gsi1",), ttl="expires", retained=True),
    # The indexes are the views of lists (`persistence.listing`): each filter of a noun has its own index.
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
    # Longer than a tool of a customer's server may take, twice.
    Queue("simulator", visibility_seconds=75),
    Queue("voice-events"),
    Queue("text-reports"),
    Queue("texts"),
    # Longer than a provider may take for an hour of audio.
    Queue("recordings", visibility_seconds=120),
    # Longer than ten files may take.
    Queue("text-media", visibility_seconds=200),
    # It also carries the reports of a transport.
    Queue("roleplay"),
    # Longer than the provider of payments may take for the requests of a job.
    Queue("billing", visibility_seconds=140),
    Queue("contacts"),
    Queue("projections"),
    Queue("numbers"),
    # Longer than a step of a registration may take.
    Queue("brands", visibility_seconds=90),
    # Three times as long as a language model may take.
    Queue("scoring", visibility_seconds=180),
    Queue("summaries", visibility_seconds=180),
    # Longer than four rounds of a language model and its tools may take.
    Queue("replies", visibility_seconds=240),
    Queue("voicemails", visibility_seconds=120),
    Queue("digests", visibility_seconds=180),
    # A run of the worker stores the recipients of 2,500 rows.
    Queue("recipients", visibility_seconds=90),
    # A turn that was killed is delivered again after this time. A carrier that does not answer is asked for hours.
    Queue("campaigns", visibility_seconds=30, max_receives=20),
    Queue("widgets"),
    Queue("triggers"),
    Queue("webhooks"),
    # Longer than the slowest response that a delivery waits for.
    Queue("deliveries", visibility_seconds=90, max_receives=20),
    Queue("slow-deliveries", visibility_seconds=90, max_receives=20),
    Queue("timers"),
    # Longer than a server may take to list its tools.
    Queue("mcp-servers", visibility_seconds=90),
    # Longer than a server may take to run a tool.
    Queue("tool-runs", visibility_seconds=120),
    # Longer than a job of a deletion may take.
    Queue("offboarding", visibility_seconds=150),
)

#: How long dead letters wait for an operator: the longest time that SQS keeps a message.
DEAD_LETTERS_DAYS = 14
#: How long logs are kept.
LOGS_DAYS = 90

BUCKETS = (
    # The raw mail, kept so that somebody can look at it or parse it again.
    Bucket("inbound-mail", days=30, mail="inbound/"),
    Bucket("attachments"),
    # Recordings of calls and messages of callers.
    Bucket("recordings", kept_with="call"),
    # The files of texts that came in.
    Bucket("text-media", kept_with="text"),
    # Rows of campaigns, as long as the import may wait for an operator.
    Bucket("recipients", days=DEAD_LETTERS_DAYS),
    # Files of people that are needed for a moment only.
    Bucket("uploads", days=1),
)

APIS = (
    Api("anima", "v1", fallback="anima/signup"),
    Api("opticomm", "functions/v1", fallback="opticomm/external_api"),
    Api("athos", "api/external/v1", fallback="athos/sessions"),
    # The path of an inbound trigger has its token, and a trace of API Gateway would show it.
    Api("hum", "", fallback="hum/account", traced=False),
    # Callbacks of providers. Each request proves itself by its signature.
    Api("callbacks", "callbacks", fallback="callbacks/livekit"),
    # Callbacks of Twilio, in the same dialect: their addresses are stored with each number at Twilio.
    Api(
        "twilio",
        "twilio",
        fallback="callbacks/twilio",
        # Twilio asks this path for a script when the function fails, for example when it is throttled.
        fixed=(
            FixedAnswer(
                configuration.FALLBACK_PATH.removeprefix("/twilio/"),
                twilio_callbacks.render_script("", twilio_callbacks.APOLOGY),
                "text/xml",
            ),
        ),
    ),
    # Notifications of Stripe, whose endpoint is stored there, and the simulator's pages for paying.
    Api("stripe", "stripe", fallback="callbacks/stripe"),
    # The server for models: tools that call the four APIs above.
    Api("mcp", "mcp", fallback="mcp"),
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
        # Strangers sign up: the function counts them after it has read the request.
        address_per_minute=120,
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
    ),
    Group(
        "anima/voice",
        api="anima",
        paths=("voice/{proxy+}",),
        tables=_EDGE | {"activity": READ_WRITE},
        grants=frozenset({Grant.ROOT_SECRET, Grant.NATIONAL_REGISTRY, Grant.VOICE}),
        snapstart=True,
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
        grants=frozenset({Grant.NATIONAL_REGISTRY, Grant.VOICE}),
        snapstart=True,
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
    Group(
        "hum/calls",
        api="hum",
        # The live stream of a call has a function of its own: the paths below a call are named one by one.
        paths=(
            "api/calls",
            "api/calls/mark-all-read",
            "api/calls/{id}",
            "api/calls/{id}/{proxy+}",
            "api/tags",
            "api/notes/{proxy+}",
            "api/unread-counts",
        ),
        tables=_CONSOLE | {"activity": READ_WRITE},
        # Signed links to recordings work only with the function's own right to read them.
        buckets={"recordings": READ},
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    Group(
        "hum/voicemails",
        api="hum",
        paths=("api/voicemails", "api/voicemails/{proxy+}"),
        tables=_CONSOLE | {"activity": READ_WRITE},
        # Signed links to the audio, as for calls.
        buckets={"recordings": READ},
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    Group(
        "hum/conversations",
        api="hum",
        paths=("api/sms/conversations", "api/sms/conversations/{proxy+}"),
        tables=_CONSOLE | {"activity": READ_WRITE},
        # Signed links to the files of texts, as for calls.
        buckets={"text-media": READ},
        # A text passes the compliance gate, and needs a carrier.
        grants=frozenset({Grant.ROOT_SECRET, Grant.NATIONAL_REGISTRY, Grant.TEXTS}),
    ),
    Group(
        "hum/opt_outs",
        api="hum",
        paths=("api/sms/opt-outs", "api/sms/opt-outs/{proxy+}"),
        tables=_CONSOLE | {"activity": WRITE},
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    Group(
        "hum/scheduled_texts",
        api="hum",
        paths=("api/sms/scheduled", "api/sms/scheduled/{proxy+}"),
        tables=_CONSOLE | {"activity": READ_WRITE},
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    Group(
        "hum/streams",
        api="hum",
        paths=("api/calls/{id}/stream", "api/events/stream"),
        # A stream reads the leases to find out whether it gets a place.
        tables=_CONSOLE | {"activity": READ, "ratelimit": READ_WRITE},
        # The snapshot has a signed link to the recording.
        buckets={"recordings": READ},
        streaming=True,
        memory=512,
        seconds=900,
        # The places of all pools plus the reserve in switchboard/streams/pools.py: 120 and 30. A test compares them.
        reserved=150,
    ),
    Group(
        "hum/flows",
        api="hum",
        paths=("api/flows", "api/flows/{proxy+}"),
        # A test call reads its first run.
        tables=_CONSOLE | {"activity": READ_WRITE},
        grants=frozenset({Grant.ROOT_SECRET, Grant.NATIONAL_REGISTRY, Grant.VOICE}),
    ),
    Group(
        "hum/outbound",
        api="hum",
        paths=("api/outbound/{proxy+}",),
        tables=_CONSOLE | {"activity": READ_WRITE},
        grants=frozenset({Grant.ROOT_SECRET, Grant.NATIONAL_REGISTRY, Grant.VOICE}),
    ),
    Group(
        "hum/numbers",
        api="hum",
        paths=("api/numbers", "api/numbers/{proxy+}"),
        tables=_CONSOLE | {"activity": WRITE},
        # A number is bought with the addresses of the deployment's callbacks.
        grants=frozenset({Grant.ROOT_SECRET, Grant.NUMBERS, Grant.CALLBACKS}),
    ),
    Group(
        "hum/campaigns",
        api="hum",
        paths=("api/sms/campaigns", "api/sms/campaigns/{proxy+}"),
        tables=_CONSOLE | {"activity": WRITE},
        # Few recipients are imported before the answer.
        buckets={"recipients": READ_WRITE},
        grants=frozenset({Grant.ROOT_SECRET}),
        binary=("application/x-ndjson",),
    ),
    Group(
        "hum/brands",
        api="hum",
        paths=("api/brands", "api/brands/{proxy+}"),
        tables=_CONSOLE | {"activity": WRITE},
        # The tax number and the payload are sealed. A deployment without a registry refuses a submission.
        grants=frozenset({Grant.ROOT_SECRET, Grant.NUMBERS}),
    ),
    Group(
        "hum/billing",
        api="hum",
        paths=("api/billing", "api/billing/{proxy+}"),
        # A change of the plan moves the organization at once, with its event, its mail and its timers.
        tables=_CONSOLE | {"activity": WRITE},
        grants=frozenset({Grant.PAYMENTS}),
    ),
    Group(
        "hum/triggers",
        api="hum",
        paths=("api/triggers", "api/triggers/{proxy+}"),
        tables=_CONSOLE | {"activity": READ_WRITE},
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    # Apart from the console: other systems fire triggers, so it reads no session, and a flood takes no member's place.
    Group(
        "hum/trigger_inbox",
        api="hum",
        paths=("api/triggers/inbound/{proxy+}",),
        # It reads the pace of the organization's starts.
        tables={"core": READ, "activity": READ_WRITE, "idempotency": WRITE, "ratelimit": WRITE},
        # A request takes some hundredths of a second: 30 environments accept about a thousand events a second. One
        # address may take a tenth of them.
        reserved=30,
        address_per_minute=6_000,
    ),
    Group(
        "hum/webhooks",
        api="hum",
        paths=("api/webhooks", "api/webhooks/{proxy+}"),
        tables=_CONSOLE | {"activity": READ_WRITE},
        # Secrets are derived, and custom headers sealed.
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    Group(
        "hum/analytics",
        api="hum",
        paths=("api/dashboard", "api/analytics"),
        tables=_CONSOLE | {"activity": READ},
    ),
    # A group of its own: a request waits for speech recognition, and its body is not text.
    Group(
        "hum/transcription",
        api="hum",
        paths=("api/flows/ai-transcribe",),
        tables=_CONSOLE | {"activity": WRITE},
        # The service reads the audio, and writes its result, with the rights of the function.
        buckets={"uploads": READ_WRITE_DELETE},
        grants=frozenset({Grant.SPEECH}),
        binary=("multipart/form-data",),
    ),
    Group(
        "hum/mcp_servers",
        api="hum",
        paths=("api/mcp-servers", "api/mcp-servers/{proxy+}"),
        tables=_CONSOLE | {"activity": READ_WRITE},
        # Credentials are sealed.
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    Group(
        "hum/widget_tokens",
        api="hum",
        paths=("api/widget-tokens", "api/widget-tokens/{proxy+}"),
        tables=_CONSOLE | {"activity": READ_WRITE},
        # The secrets of captchas are sealed. The deployment's own site key needs none.
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    # Strangers call it from the pages of partners: it reads no session of the console, and a flood takes no member's
    # place. Each environment may wait five seconds for the captcha.
    Group(
        "hum/widget_sessions",
        api="hum",
        paths=("api/widget/{proxy+}",),
        tables=_EDGE | {"activity": READ_WRITE},
        grants=frozenset({Grant.ROOT_SECRET, Grant.TRANSPORT, Grant.CAPTCHA}),
        reserved=50,
        # An office of many visitors may share an address.
        address_per_minute=3_000,
    ),
    Group(
        "portal",
        api="hum",
        # The first is the home page.
        paths=(
            *("", "docs", "docs/{proxy+}", "openapi/{proxy+}", "widget.js", "console", "console/{proxy+}"),
            *("errors", "errors/{proxy+}", "signed-out", "sign-in-failed", "llms.txt", "llms-full.txt"),
        ),
        tables={"ratelimit": WRITE},
    ),
    Group(
        "mcp",
        api="mcp",
        # The base path itself.
        paths=("",),
        # Keys, and sessions of people with the record of their use. The operations run in functions of their own.
        tables={"core": READ_WRITE, "sessions": READ_WRITE, "ratelimit": WRITE},
        includes=("portal/documents",),
        # Each environment waits for another function, for up to 24 s. A slow operation must not use up the environments
        # of all APIs.
        reserved=50,
        # The servers of a model's vendor call for many customers.
        address_per_minute=6_000,
    ),
    Group(
        "callbacks/livekit",
        api="callbacks",
        paths=("livekit", "livekit/{proxy+}"),
        tables={"ratelimit": WRITE},
        sends=("roleplay", "voice-events"),
        grants=frozenset({Grant.TRANSPORT}),
        binary=("application/webhook+json",),
    ),
    # Calls of test keys use the simulated provider in every stage.
    Group(
        "callbacks/simulator",
        api="callbacks",
        paths=("simulator/{proxy+}",),
        tables={"ratelimit": WRITE},
        sends=("voice-events",),
        grants=frozenset({Grant.ROOT_SECRET}),
    ),
    # A talk waits for the answer. Servers of customers are called here, apart from what other callbacks need.
    Group(
        "callbacks/talk_tools",
        api="callbacks",
        paths=("tools/{proxy+}",),
        tables={"core": READ, "activity": READ_WRITE, "ratelimit": WRITE},
        # Credentials of servers are sealed.
        grants=frozenset({Grant.ROOT_SECRET}),
        snapstart=True,
    ),
    # A caller waits for the answer. It decides about the call and charges it, so it reads and writes what calls do.
    Group(
        "callbacks/twilio",
        api="twilio",
        paths=("voice/{proxy+}",),
        tables={"core": READ_WRITE, "activity": READ_WRITE, "ratelimit": WRITE},
        sends=("voice-events",),
        grants=frozenset({Grant.ROOT_SECRET, Grant.NUMBERS, Grant.VOICE}),
        # A caller who waits hears silence, so no burst of other work may take this function's environments. An answer
        # takes some tenths of a second: 50 environments answer more than 100 calls a second.
        reserved=50,
        snapstart=True,
    ),
    # Apart from calls: a campaign's reports must not take the environments that callers wait for.
    Group(
        "callbacks/twilio_texts",
        api="twilio",
        paths=("sms/{proxy+}",),
        tables={"core": READ, "ratelimit": WRITE},
        sends=("text-reports",),
        grants=frozenset({Grant.ROOT_SECRET, Grant.NUMBERS}),
    ),
    Group(
        "callbacks/registrations",
        api="twilio",
        paths=("a2p/{proxy+}",),
        tables={"core": READ, "ratelimit": WRITE},
        sends=("brands",),
        grants=frozenset({Grant.ROOT_SECRET, Grant.NUMBERS}),
    ),
    Group(
        "callbacks/stripe",
        api="stripe",
        paths=("webhook",),
        tables={"ratelimit": WRITE},
        sends=("billing",),
        # The simulator's secret is derived from the root secret.
        grants=frozenset({Grant.ROOT_SECRET, Grant.PAYMENT_NOTIFICATIONS}),
    ),
    Group(
        "callbacks/stripe_simulator",
        api="stripe",
        paths=("simulator/{proxy+}",),
        tables={"core": READ_WRITE, "ratelimit": WRITE},
        # The simulator's own notifications.
        sends=("billing",),
        grants=frozenset({Grant.SIMULATED_PAYMENTS}),
    ),
)

#: The concurrent executions that Lambda keeps for functions without a reservation.
UNRESERVED_EXECUTIONS = 100
#: The account's limit of concurrent executions that docs/deploying.md asks for.
ACCOUNT_EXECUTIONS = 1_780
#: The executions that are left for the APIs when all workers run at their maximum.
API_EXECUTIONS = 200

#: The queues of all jobs: an event, the outbox or a timer may send to any of them.
JOB_QUEUES = tuple(name for name in jobs.job_queues() if name != "timers")

WORKERS = (
    Worker(
        "workers/fanout",
        stream="activity",
        sends=("audit", *JOB_QUEUES),
        batch=100,
        parallel=10,
        # A stream has no limit of its own: it runs ten batches for each shard. Every job comes from here, so the limit
        # is also a share that nobody else can take. 40 batches of 100 events at once are over 10,000 events a second.
        reserved=40,
    ),
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
        grants=frozenset({Grant.NATIONAL_REGISTRY, Grant.NUMBERS, Grant.VOICE}),
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
    Worker(
        "workers/summaries",
        queue="summaries",
        # It reads the call's flow, and counts the uses of the model.
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        grants=frozenset({Grant.LANGUAGE_MODEL}),
        batch=1,
        concurrency=20,
        seconds=150,
    ),
    Worker(
        "workers/replies",
        queue="replies",
        # The answer passes the compliance gate and is charged.
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        # Credentials of MCP servers are sealed.
        grants=frozenset({Grant.ROOT_SECRET, Grant.LANGUAGE_MODEL, Grant.NATIONAL_REGISTRY, Grant.TEXTS}),
        batch=1,
        concurrency=20,
        seconds=200,
    ),
    Worker(
        "workers/numbers",
        queue="numbers",
        tables={"activity": WRITE, "core": READ_WRITE},
        # The provider calls the deployment's callbacks.
        grants=frozenset({Grant.NUMBERS, Grant.CALLBACKS}),
        # Each job may have to wait for a provider that hangs.
        batch=3,
        concurrency=10,
    ),
    Worker(
        "workers/widgets",
        queue="widgets",
        # The end of a session is the end of a call: it charges the call and releases its line.
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        # The simulated rooms talk as simulated calls do. A revoked token with many sessions sends its next job.
        sends=("simulator", "widgets"),
        # The worker lets the voice AI join rooms, and closes them.
        grants=frozenset({Grant.TRANSPORT, Grant.VOICE}),
        # Each job may have to wait for a provider that hangs.
        batch=3,
        concurrency=20,
    ),
    Worker(
        "workers/brands",
        queue="brands",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        # A worker that does nothing else sends the next job itself. The simulated registry reports.
        sends=("brands", "simulator"),
        # It opens what is sealed, and names the deployment's callbacks to the registry.
        grants=frozenset({Grant.ROOT_SECRET, Grant.NUMBERS, Grant.CALLBACKS}),
        # Each job may have to wait for a registry that hangs.
        batch=1,
        concurrency=5,
        seconds=60,
    ),
    Worker(
        "workers/billing",
        queue="billing",
        tables={"activity": WRITE, "core": READ_WRITE},
        # The simulator signs its notifications with a secret that is derived from the root secret.
        grants=frozenset({Grant.ROOT_SECRET, Grant.PAYMENTS, Grant.CALLBACKS}),
        # Each job may have to wait for several answers of a provider that hangs.
        batch=1,
        # When a month begins, all subscriptions renew, and their last use must arrive within an hour. Each takes three
        # jobs of about half a second. This is enough for 100,000 jobs an hour, and below Stripe's 100 requests a
        # second.
        concurrency=20,
        seconds=120,
    ),
    Worker("workers/contacts", queue="contacts", tables={"activity": WRITE, "core": READ_WRITE}, concurrency=20),
    Worker("workers/projections", queue="projections", tables={"activity": READ, "core": READ_WRITE}, concurrency=20),
    # The simulated provider: it posts its callbacks, or handles them itself in a deployment without a domain.
    Worker(
        "workers/simulator",
        queue="simulator",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        sends=("simulator", "voice-events", "text-reports", "brands"),
        grants=frozenset({Grant.ROOT_SECRET, Grant.CALLBACKS, Grant.VOICE}),
        concurrency=20,
        seconds=60,
    ),
    # The limit keeps a burst of reports from using the concurrency that the APIs need.
    Worker(
        "workers/voice_events",
        queue="voice-events",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        # The line's pace says for what a call waits.
        grants=frozenset({Grant.VOICE}),
        concurrency=50,
    ),
    # As above: a campaign has two reports for each of its texts.
    Worker(
        "workers/text_reports",
        queue="text-reports",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        # Whether the carrier answers keywords.
        grants=frozenset({Grant.TEXTS}),
        concurrency=50,
    ),
    Worker(
        "workers/texts",
        queue="texts",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        # A text returns to the queue at the time that it has reserved at its number. An answer of the carrier about an
        # unknown outcome is a report. The simulated carrier reports too.
        sends=("texts", "text-reports", "simulator"),
        grants=frozenset({Grant.ROOT_SECRET, Grant.NATIONAL_REGISTRY, Grant.NUMBERS, Grant.TEXTS, Grant.CALLBACKS}),
        # Each text may have to wait for a carrier that hangs.
        batch=5,
        concurrency=50,
    ),
    Worker(
        "workers/recordings",
        queue="recordings",
        tables={"activity": READ_WRITE, "core": READ},
        # A message may be deleted while its audio is stored.
        buckets={"recordings": WRITE | {"delete"}},
        grants=frozenset({Grant.NUMBERS, Grant.VOICE}),
        batch=1,
        concurrency=10,
        # An hour of audio is 58 MB, and the client, the check and the upload hold it.
        memory=1_024,
        seconds=100,
    ),
    Worker(
        "workers/text_media",
        queue="text-media",
        tables={"activity": READ_WRITE},
        buckets={"text-media": WRITE},
        grants=frozenset({Grant.NUMBERS}),
        # Ten files of one text may each have to wait for a carrier that hangs.
        batch=1,
        concurrency=10,
        seconds=180,
    ),
    Worker(
        "workers/voicemails",
        queue="voicemails",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        # The recognizer reads the audio and writes its result with the rights of the function. Both are deleted later.
        buckets={"recordings": READ_WRITE_DELETE},
        grants=frozenset({Grant.SPEECH}),
        batch=1,
        concurrency=10,
        seconds=100,
    ),
    # A worker of its own: a slow language model must not delay new voicemails.
    Worker(
        "workers/digests",
        queue="digests",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        grants=frozenset({Grant.LANGUAGE_MODEL}),
        batch=1,
        concurrency=10,
        seconds=150,
    ),
    Worker(
        "workers/recipients",
        queue="recipients",
        # It reads the texts of a conversation to find the campaign that a reply answers.
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        buckets={"recipients": READ},
        batch=1,
        concurrency=20,
        seconds=75,
    ),
    Worker(
        "workers/campaigns",
        queue="campaigns",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        # Each turn sends the next one. An answer of the carrier about an unknown outcome is a report. The simulated
        # carrier reports too.
        sends=("campaigns", "text-reports", "simulator"),
        grants=frozenset({Grant.NATIONAL_REGISTRY, Grant.NUMBERS, Grant.TEXTS, Grant.CALLBACKS}),
        # A turn hands over its texts at its time: no turn waits for another one.
        batch=1,
        concurrency=30,
        seconds=25,
    ),
    Worker(
        "workers/triggers",
        queue="triggers",
        # A call or a text of a flow passes the compliance gate and is charged.
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        # One job for each flow of a fired event.
        sends=("triggers",),
        grants=frozenset({Grant.NATIONAL_REGISTRY, Grant.TEXTS, Grant.VOICE}),
        batch=5,
        concurrency=20,
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
    Worker(
        "workers/mcp_servers",
        queue="mcp-servers",
        tables={"activity": READ_WRITE, "core": READ_WRITE},
        # Credentials of servers are sealed.
        grants=frozenset({Grant.ROOT_SECRET}),
        # Each job may have to wait for a server that hangs.
        batch=1,
        concurrency=10,
        seconds=60,
    ),
    Worker(
        "workers/tool_runs",
        queue="tool-runs",
        tables={"activity": READ_WRITE, "core": READ},
        # As above.
        grants=frozenset({Grant.ROOT_SECRET}),
        batch=1,
        concurrency=10,
        seconds=100,
    ),
    Worker(
        "workers/offboarding",
        queue="offboarding",
        # It finds all that belongs to an organization. The tables that end by themselves within days are left out.
        tables={"activity": READ_WRITE_SCAN, "core": READ_WRITE_SCAN},
        buckets=dict.fromkeys(OWNED_BUCKETS, LIST_DELETE),
        # It hangs up calls, ends the subscription, and gives numbers back.
        grants=frozenset({Grant.ROOT_SECRET, Grant.NUMBERS, Grant.PAYMENTS, Grant.VOICE, Grant.CALLBACKS}),
        batch=1,
        # A scan takes a part of what a table can read. Organizations leave rarely, and have time.
        concurrency=2,
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
