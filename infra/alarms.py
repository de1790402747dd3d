"""The alarms of a deployment as plain data: what is watched, from which figure on, and what it means.

`infra/stacks/observability.py` makes them, and docs/operating.md says what to do about each. This module imports
neither CDK nor AWS. Missing figures mean that nothing happened, unless an alarm is `silent`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from infra import resources, topology
from infra.alarms_of_code import CODE

#: The oldest job, in seconds, that may wait in a queue, and the oldest event that may wait for the fan-out.
MAX_JOB_AGE_SECONDS, MAX_EVENT_AGE_SECONDS = 300, 60
#: The limit for the response time of 99 of 100 requests, in milliseconds.
MAX_P99_MILLISECONDS = 3_000
#: The part of a limit, in percent, from which on people should act before it is reached.
NEARLY_FULL_PERCENT = 80
#: Amazon SES reviews an account at 5 % of bounces and 0.1 % of complaints, and later pauses it
#: (https://docs.aws.amazon.com/ses/latest/dg/reputationdashboardmessages.html).
MAX_BOUNCES, MAX_COMPLAINTS = 0.04, 0.0008
#: Blocked requests in five minutes that are an attack, or a rule that blocks customers.
MAX_BLOCKED = 10_000

#: Queues that are late for one cause, mostly the same provider. Their age alarms ring once, through a composite alarm.
CAUSES = {
    "late-mail": ("email", "email-events", "inbound-mail"),
    "late-calls-and-texts": (
        *("dialer", "simulator", "voice-events", "recordings", "voicemails", "widgets"),
        *("texts", "text-reports", "text-media", "campaigns", "recipients"),
    ),
    "late-models": ("scoring", "summaries", "replies", "digests", "tool-runs", "mcp-servers"),
    "late-webhooks": ("webhooks", "deliveries", "slow-deliveries", "triggers"),
    "late-platform": (
        *("audit", "projections", "timers", "contacts", "roleplay"),
        *("numbers", "brands", "billing", "offboarding"),
    ),
}


@dataclass(frozen=True)
class Named:
    """The name of a resource of the deployment: `switchboard-<stage>-<parts>` and a suffix."""

    parts: tuple[str, ...]
    suffix: str = ""


@dataclass(frozen=True)
class Metric:
    """A metric of AWS, or of our code (`ours`), whose namespace is the deployment's. `REGION` stands for the region."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str | Named], ...] = ()
    statistic: str = "Sum"
    minutes: int = 1


@dataclass(frozen=True)
class Alarm:
    """An alarm that rings when a metric is above a figure for some periods."""

    name: str
    metric: Metric
    means: str
    above: float = 0
    periods: int = 1
    #: Whether the alarm rings when there are no figures, instead of when there are.
    silent: bool = False
    #: The alarm through which it rings. `None` means that it notifies people itself.
    through: str | None = None
    #: Its row in docs/operating.md, if it is one of many of a kind.
    kind: str | None = None
    #: The carrier that the deployment must have.
    needs: Literal["ses"] | None = None
    #: Whether a development deployment has it, too.
    everywhere: bool = False


@dataclass(frozen=True)
class Composite:
    """An alarm that rings once for alarms with one cause. `of` are their names."""

    name: str
    of: tuple[str, ...]
    means: str


OURS = "ours"
#: The alias of the version that serves.
ALIAS = "live"
REGION = "REGION"


def function_metric(name: str, metric: str, statistic: str = "Sum", minutes: int = 1) -> Metric:
    """A metric of Lambda about a function."""
    return Metric("AWS/Lambda", metric, (("FunctionName", Named((name,))),), statistic, minutes)


def api_metric(name: str, metric: str, statistic: str, minutes: int = 5) -> Metric:
    """A metric of API Gateway about an API."""
    dimensions = (("ApiName", Named(("api", name))), ("Stage", resources.API_STAGE))
    return Metric("AWS/ApiGateway", metric, dimensions, statistic, minutes)


def queue_metric(name: str, metric: str, *, fifo: bool) -> Metric:
    """A metric of SQS about a queue."""
    dimension = ("QueueName", Named((name,), ".fifo" if fifo else ""))
    return Metric("AWS/SQS", metric, (dimension,), "Maximum")


def _of_queues() -> Iterator[Alarm]:
    causes = {name: cause for cause, names in CAUSES.items() for name in names}
    for queue in topology.QUEUES:
        yield Alarm(
            f"{queue.name}-dlq",
            queue_metric(f"{queue.name}-dlq", "ApproximateNumberOfMessagesVisible", fifo=queue.fifo),
            "Jobs of this queue were given up. They wait for an operator.",
            kind="…-dlq",
        )
        yield Alarm(
            f"{queue.name}-age",
            queue_metric(queue.name, "ApproximateAgeOfOldestMessage", fifo=queue.fifo),
            "Jobs of this queue wait too long.",
            above=MAX_JOB_AGE_SECONDS,
            periods=5,
            through=causes[queue.name],
            kind="…-age",
        )


def _of_stream(worker: resources.Worker) -> Iterator[Alarm]:
    yield Alarm(
        f"{worker.name}-age",
        function_metric(worker.name, "IteratorAge", "Maximum"),
        "Events wait for the fan-out, so all background work is late.",
        above=MAX_EVENT_AGE_SECONDS * 1_000,
        periods=5,
        everywhere=True,
    )
    yield Alarm(
        f"{worker.name}-failures",
        queue_metric(f"{worker.name}-failures", "ApproximateNumberOfMessagesVisible", fifo=False),
        "The fan-out gave records of the stream up. The queue names them.",
    )


def _of_groups() -> Iterator[Alarm]:
    for group in topology.GROUPS:
        if group.streaming:
            yield Alarm(
                f"{group.name}-full",
                function_metric(group.name, "ConcurrentExecutions", "Maximum"),
                "The live streams have taken most of their places. Later clients get short answers.",
                above=(group.reserved or 0) * NEARLY_FULL_PERCENT / 100,
                periods=3,
                kind="…-full",
            )
        elif group.snapstart:
            yield Alarm(
                f"{group.name}-p99",
                function_metric(group.name, "Duration", "p99", 5),
                "One of 100 requests of this group is slow.",
                above=MAX_P99_MILLISECONDS,
                periods=3,
                through="slow",
                kind="…-p99",
            )
            yield Alarm(
                f"{group.name}-crash",
                Metric(
                    "AWS/Lambda",
                    "Errors",
                    (("FunctionName", Named((group.name,))), ("Resource", Named((group.name,), f":{ALIAS}"))),
                ),
                "A function on which a call waits crashes. A release of it goes back.",
                kind="…-crash",
            )
    for api in topology.APIS:
        yield Alarm(
            f"{api.name}-5xx",
            api_metric(api.name, "5XXError", "Average", minutes=1),
            "More than one of 100 requests of this API fails. A release of its functions goes back.",
            above=0.01,
            periods=3,
            kind="…-5xx",
        )


def _of_lambda(metric: str, statistic: str = "Sum", minutes: int = 5) -> Metric:
    """A metric over all functions of the account and region: they share the limit of executions."""
    return Metric("AWS/Lambda", metric, (), statistic, minutes)


def _of_platform() -> Iterator[Alarm]:
    yield Alarm(
        "functions-crash",
        _of_lambda("Errors", minutes=1),
        "Functions crash, run out of memory or take too long. The dashboard shows which. A release goes back.",
        above=5,
        everywhere=True,
    )
    yield Alarm(
        "functions-throttled",
        _of_lambda("Throttles"),
        "Lambda refuses to run functions, because the account or a function has reached its limit.",
        above=20,
        everywhere=True,
    )
    yield Alarm(
        "executions-nearly-full",
        _of_lambda("ConcurrentExecutions", "Maximum"),
        "The functions use most of the account's concurrent executions.",
        above=topology.ACCOUNT_EXECUTIONS * NEARLY_FULL_PERCENT / 100,
    )
    yield Alarm(
        "recursion-stopped",
        _of_lambda("RecursiveInvocationsDropped"),
        "Lambda stopped a function whose jobs start it again, as if that were an accident.",
        everywhere=True,
    )
    for schedule in topology.SCHEDULES:
        yield Alarm(
            f"{schedule.name}-missing",
            function_metric(schedule.name, "Invocations", minutes=5 * schedule.rate_minutes),
            "The schedule does not run, so no timer fires, or no law is reviewed.",
            above=1,
            silent=True,
            kind="…-missing",
            everywhere=schedule.rate_minutes == 1,
        )
    yield Alarm(
        "firewall-blocks",
        Metric(
            "AWS/WAFV2",
            "BlockedRequests",
            (("WebACL", Named(("front",))), ("Region", REGION), ("Rule", "ALL")),
            minutes=5,
        ),
        "The firewall blocks many requests: an attack, or customers.",
        above=MAX_BLOCKED,
    )
    for name, metric, above in (
        ("mail-bounces", "BounceRate", MAX_BOUNCES),
        ("mail-complaints", "ComplaintRate", MAX_COMPLAINTS),
    ):
        yield Alarm(
            name,
            Metric("AWS/SES", f"Reputation.{metric}", (), "Maximum", 60),
            "The reputation of the SES account is in danger. Amazon pauses the sending of an account with more.",
            above=above,
            needs="ses",
        )


def _of_code() -> Iterator[Alarm]:
    for name, watched in CODE.items():
        dimensions = (("Service", watched.service),) if watched.service else ()
        yield Alarm(
            name,
            Metric(OURS, watched.metric, dimensions, minutes=watched.minutes),
            watched.means,
            above=watched.above,
            periods=watched.periods,
            everywhere=watched.everywhere,
        )


ALARMS: tuple[Alarm, ...] = (
    *_of_queues(),
    *(alarm for worker in topology.WORKERS if worker.stream for alarm in _of_stream(worker)),
    *_of_groups(),
    *_of_platform(),
    *_of_code(),
)

COMPOSITES: tuple[Composite, ...] = tuple(
    Composite(
        name,
        tuple(alarm.name for alarm in ALARMS if alarm.through == name),
        "Requests of people and calls are slow." if name == "slow" else "Jobs of these queues wait too long.",
    )
    for name in ("slow", *CAUSES)
)


def list_release_alarms(group: resources.Group) -> tuple[str, ...]:
    """Returns the names of the alarms that stop a release of a group and take it back."""
    # The first two watch the whole deployment. A fault of the code is counted, and answered as 500.
    own = (f"{group.name}-crash",) if group.snapstart and not group.streaming else ()
    return ("requests-fail", "functions-crash", f"{group.api}-5xx", *own)
