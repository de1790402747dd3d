"""The background work: queues, the functions that queues and the table's stream start, and schedules."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_lambda_event_sources import SqsDlq
from constructs import Construct

from infra import resources, topology
from infra.build import Assets
from infra.stacks import settings
from infra.stacks.data import Data
from infra.stacks.deployment import INBOUND_MAIL, Deployment
from infra.stacks.findings import accept_finding
from infra.stacks.functions import Functions
from infra.stacks.identity import Issuer
from infra.stacks.mail import Mail
from infra.stacks.settings import Resources

#: How long a batch of the stream is retried: almost as long as the stream keeps it. The fan-out itself skips an
#: unreadable record. So only failing queues block a shard, and then no record may be dropped.
STREAM_AGE = Duration.hours(23)
DEAD_LETTERS_KEPT = Duration.days(topology.DEAD_LETTERS_DAYS)

# The rights that Lambda's poller needs on its source, and a worker that returns failed messages.
_CONSUME = ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
_FOLLOW = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")


class Workers(Stack):
    """The queues, by their names in the topology, the workers and the schedules."""

    def __init__(
        self, scope: Construct, deployment: Deployment, *, data: Data, issuer: Issuer | None, assets: Assets
    ) -> None:
        name = deployment.resource_name("workers")
        super().__init__(scope, name, stack_name=name)
        self._deployment, self._data = deployment, data
        self.queues = {queue.name: self._queue(queue) for queue in topology.QUEUES}
        self.resources = Resources(data.tables, self.queues, data.root_secret, issuer)
        settings.check_own_settings(deployment, self.resources)
        settings.store_settings(self, deployment, self.resources)
        self._functions = Functions(self, deployment, self.resources, assets)
        for worker in topology.WORKERS:
            if worker.queue:
                self._from_queue(worker, self.queues[worker.queue])
            else:
                self._from_stream(worker)
        for schedule in topology.SCHEDULES:
            self._from_clock(schedule)
        if deployment.mail_carrier == "ses":
            mail = Mail(self, deployment, self.queues[resources.MAIL_EVENTS])
            mail.receive(self.queues[INBOUND_MAIL])

    def _queue(self, queue: resources.Queue) -> sqs.Queue:
        dead = sqs.Queue(
            self,
            f"Queue-{queue.name}-dlq",
            **_shape(self._deployment.resource_name(f"{queue.name}-dlq"), fifo=queue.fifo),
            retention_period=DEAD_LETTERS_KEPT,
        )
        return sqs.Queue(
            self,
            f"Queue-{queue.name}",
            **_shape(self._deployment.resource_name(queue.name), fifo=queue.fifo),
            visibility_timeout=Duration.seconds(queue.visibility_seconds),
            dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=queue.max_receives, queue=dead),
        )

    def _from_queue(self, worker: resources.Worker, queue: sqs.Queue) -> None:
        consume = iam.PolicyStatement(actions=list(_CONSUME), resources=[queue.queue_arn])
        made = self._functions.make_function(worker, consume)
        lambda_.EventSourceMapping(
            made,
            "Source",
            target=self._functions.publish(made),
            event_source_arn=queue.queue_arn,
            batch_size=worker.batch,
            max_batching_window=Duration.seconds(worker.window) if worker.window else None,
            max_concurrency=worker.concurrency,
            report_batch_item_failures=True,
        )

    def _from_stream(self, worker: resources.Worker) -> None:
        assert worker.stream, f"{worker.name} has neither a queue nor a stream"
        stream = self._data.tables[worker.stream].table_stream_arn
        assert stream, f"table {worker.stream} has no stream"
        failures = sqs.Queue(
            self,
            f"Queue-{worker.name.replace('/', '-')}-failures",
            **_shape(self._deployment.resource_name(worker.name, "failures"), fifo=False),
            retention_period=DEAD_LETTERS_KEPT,
        )
        accept_finding(failures, "AwsSolutions-SQS3", "It is the dead-letter queue of the stream.")
        made = self._functions.make_function(
            worker,
            iam.PolicyStatement(actions=list(_FOLLOW), resources=[stream]),
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[failures.queue_arn]),
        )
        lambda_.EventSourceMapping(
            made,
            "Source",
            target=self._functions.publish(made),
            event_source_arn=stream,
            batch_size=worker.batch,
            max_batching_window=Duration.seconds(worker.window) if worker.window else None,
            parallelization_factor=worker.parallel,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            filters=[
                lambda_.FilterCriteria.filter(
                    {
                        "eventName": lambda_.FilterRule.is_equal("INSERT"),
                        "dynamodb": {"NewImage": {"outbox": {"S": lambda_.FilterRule.exists()}}},
                    }
                )
            ],
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            max_record_age=STREAM_AGE,
            on_failure=SqsDlq(failures),
        )

    def _from_clock(self, schedule: resources.Schedule) -> None:
        made = self._functions.make_function(schedule)
        # A failed tick is not retried: the next tick continues where it stopped.
        called = self._functions.publish(made)
        called.configure_async_invoke(retry_attempts=0, max_event_age=Duration.minutes(1))
        rule = events.Rule(
            made,
            "Every",
            rule_name=self._deployment.resource_name(schedule.name),
            schedule=events.Schedule.rate(Duration.minutes(schedule.rate_minutes)),
        )
        rule.add_target(targets.LambdaFunction(called, retry_attempts=0, max_event_age=Duration.minutes(1)))


def _shape(name: str, *, fifo: bool) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "queue_name": f"{name}.fifo" if fifo else name,
        "encryption": sqs.QueueEncryption.SQS_MANAGED,
        "enforce_ssl": True,
    }
    if fifo:
        # High throughput: the order is kept per organization, and so is the rate limit.
        shape |= {
            "fifo": True,
            "deduplication_scope": sqs.DeduplicationScope.MESSAGE_GROUP,
            "fifo_throughput_limit": sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
        }
    return shape
