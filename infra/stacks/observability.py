"""Alarms for the faults that nobody would notice, and a dashboard."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra import resources, topology
from infra.stacks.api import STAGE
from infra.stacks.deployment import Deployment
from switchboard.telemetry import NAMESPACE

#: The age, in seconds, from which a waiting job and an event that is not fanned out cause an alarm.
MAX_JOB_AGE_SECONDS, MAX_EVENT_AGE_SECONDS = 300, 60
#: The limit for the response time of 99 of 100 requests, in milliseconds.
MAX_P99_MILLISECONDS = 3_000
#: Metrics of our code for faults that need an operator: a timer that was set aside, an item of the outbox that the
#: fan-out skipped, a recording that was given up, and a recording that its provider still keeps. Then come
#: use that may not be billed, and a subscription that its provider does not tell. The last ones are a disputed payment,
#: an invoice that cannot be issued, a number that its registry does not add, and an unknown status of a registry.
FAULT_METRICS = {
    "timers-dead": "TimerDead",
    "outbox-unreadable": "OutboxUnreadable",
    "recordings-lost": "RecordingLost",
    "recordings-not-forgotten": "RecordingNotForgotten",
    "transcripts-not-forgotten": "TranscriptNotForgotten",
    "language-model-refused": "LanguageModelRefused",
    "use-reports-failed": "UseReportFailed",
    "subscriptions-unreadable": "SubscriptionUnreadable",
    "payments-disputed": "PaymentDisputed",
    "invoices-not-finalized": "InvoiceNotFinalized",
    "numbers-not-registered": "NumberNotRegistered",
    "registry-status-unknown": "RegistryStatusUnknown",
}
#: The metric of an hourly schedule for rows of law with an overdue review. The alarm stays until the review is done.
OVERDUE_METRICS = {"law-review-overdue": "LawReviewOverdue"}
_MINUTE = Duration.minutes(1)
_TWO_HOURS = Duration.hours(2)
_FIVE_MINUTES = Duration.minutes(5)
_MORE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_FEWER = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


class Observability(Stack):
    """Alarms and the dashboard. It uses only the names of the other stacks' resources, so it depends on no stack."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        name = deployment.resource_name("observability")
        super().__init__(scope, name, stack_name=name)
        self._deployment = deployment
        self._topic = sns.Topic(self, "Alarms", topic_name=deployment.resource_name("alarms"), enforce_ssl=True)
        if deployment.alarm_email:
            self._topic.add_subscription(subscriptions.EmailSubscription(deployment.alarm_email))
        for queue in topology.QUEUES:
            self._watch_queue(queue)
        for group in topology.GROUPS:
            self._watch_group(group)
        for worker in (*topology.WORKERS, *topology.SCHEDULES):
            self._watch_worker(worker)
        for name, metric in FAULT_METRICS.items():
            self._alarm(name, _of_ours(metric), 0)
        for name, metric in OVERDUE_METRICS.items():
            self._alarm(name, _of_ours(metric, _TWO_HOURS), 0)
        for api in topology.APIS:
            self._alarm(f"{api.name}-5xx", self._of_api(api, "5XXError", "Average"), 0.01, periods=3)
        self._dashboard()

    def _watch_queue(self, queue: resources.Queue) -> None:
        self._alarm(f"{queue.name}-dlq", self._depth(f"{queue.name}-dlq", fifo=queue.fifo), 0)
        self._alarm(f"{queue.name}-age", self._age(queue), MAX_JOB_AGE_SECONDS, periods=5)

    def _watch_group(self, group: resources.Group) -> None:
        self._alarm(f"{group.name}-errors", self._of(group, "Errors"), 0)
        self._alarm(f"{group.name}-throttles", self._of(group, "Throttles"), 0)
        if group.streaming:
            return  # a stream lasts minutes
        self._alarm(
            f"{group.name}-p99", self._of(group, "Duration", "p99", _FIVE_MINUTES), MAX_P99_MILLISECONDS, periods=3
        )

    def _watch_worker(self, worker: resources.Worker | resources.Schedule) -> None:
        self._alarm(f"{worker.name}-errors", self._of(worker, "Errors"), 0)
        self._alarm(f"{worker.name}-throttles", self._of(worker, "Throttles"), 0, periods=5)
        if isinstance(worker, resources.Schedule):
            period = Duration.minutes(5 * worker.rate_minutes)
            self._alarm(f"{worker.name}-missing", self._of(worker, "Invocations", period=period), 1, below=True)
        elif worker.stream:
            age = self._of(worker, "IteratorAge", "Maximum")
            self._alarm(f"{worker.name}-age", age, MAX_EVENT_AGE_SECONDS * 1_000, periods=5)
            failures = self._depth(f"{worker.name}-failures", fifo=False)
            self._alarm(f"{worker.name}-failures", failures, 0)

    def _alarm(
        self, name: str, metric: cloudwatch.Metric, threshold: float, *, periods: int = 1, below: bool = False
    ) -> None:
        # Missing data means that nothing happened. Only with `below` is missing data the alarm.
        quiet = cloudwatch.TreatMissingData.BREACHING if below else cloudwatch.TreatMissingData.NOT_BREACHING
        alarm = metric.create_alarm(
            self,
            name.replace("/", "-"),
            alarm_name=self._deployment.resource_name(name),
            comparison_operator=_FEWER if below else _MORE,
            threshold=threshold,
            evaluation_periods=periods,
            treat_missing_data=quiet,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))

    def _depth(self, name: str, *, fifo: bool) -> cloudwatch.Metric:
        return self._of_queue(name, "ApproximateNumberOfMessagesVisible", fifo=fifo)

    def _age(self, queue: resources.Queue) -> cloudwatch.Metric:
        return self._of_queue(queue.name, "ApproximateAgeOfOldestMessage", fifo=queue.fifo)

    def _of_queue(self, name: str, metric: str, *, fifo: bool) -> cloudwatch.Metric:
        physical = self._deployment.resource_name(name) + (".fifo" if fifo else "")
        return cloudwatch.Metric(
            namespace="AWS/SQS",
            metric_name=metric,
            dimensions_map={"QueueName": physical},
            statistic="Maximum",
            period=_MINUTE,
        )

    def _of(
        self, function: resources.Function, metric: str, statistic: str = "Sum", period: Duration = _MINUTE
    ) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name=metric,
            dimensions_map={"FunctionName": self._deployment.resource_name(function.name)},
            statistic=statistic,
            period=period,
        )

    def _of_api(self, api: resources.Api, metric: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/ApiGateway",
            metric_name=metric,
            dimensions_map={"ApiName": self._deployment.resource_name("api", api.name), "Stage": STAGE},
            statistic=statistic,
            period=_FIVE_MINUTES,
        )

    def _dashboard(self) -> None:
        groups = [group for group in topology.GROUPS if not group.streaming]
        apis, queues, workers = topology.APIS, topology.QUEUES, (*topology.WORKERS, *topology.SCHEDULES)
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=self._deployment.resource_name())
        dashboard.add_widgets(
            _graph("Requests", {api.name: self._of_api(api, "Count", "Sum") for api in apis}),
            _graph("Refused (4xx)", {api.name: self._of_api(api, "4XXError", "Average") for api in apis}),
            _graph("Failed (5xx)", {api.name: self._of_api(api, "5XXError", "Average") for api in apis}),
        )
        dashboard.add_widgets(
            _graph("Slowest 1 %, ms", {group.name: self._of(group, "Duration", "p99") for group in groups}),
            _graph("Errors of groups", {group.name: self._of(group, "Errors") for group in topology.GROUPS}),
            _graph("Errors of workers", {worker.name: self._of(worker, "Errors") for worker in workers}),
        )
        streams = [group for group in topology.GROUPS if group.streaming]
        dashboard.add_widgets(
            _graph("Open streams", {one.name: self._of(one, "ConcurrentExecutions", "Maximum") for one in streams}),
        )
        dashboard.add_widgets(
            _graph("Oldest job, s", {queue.name: self._age(queue) for queue in queues}),
            _graph("Waiting", {queue.name: self._depth(queue.name, fifo=queue.fifo) for queue in queues}),
            _graph("Given up", {queue.name: self._depth(f"{queue.name}-dlq", fifo=queue.fifo) for queue in queues}),
        )


def _of_ours(metric: str, period: Duration = _MINUTE) -> cloudwatch.Metric:
    """A metric that our code counts in the embedded metric format."""
    return cloudwatch.Metric(namespace=NAMESPACE, metric_name=metric, statistic="Sum", period=period)


def _graph(title: str, metrics: Mapping[str, cloudwatch.Metric]) -> cloudwatch.GraphWidget:
    left = [metric.with_(label=label) for label, metric in metrics.items()]
    return cloudwatch.GraphWidget(title=title, left=left, width=8)
