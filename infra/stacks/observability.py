"""Alarms for the faults that nobody would notice, an alarm for spending, and a dashboard."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Aws, Duration, Stack
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra import alarms, resources, topology
from infra.stacks.deployment import Deployment
from switchboard import telemetry

#: The parts of the monthly budget, in percent, at which people are told: spent, and expected at the month's end.
SPENT_PERCENT, EXPECTED_PERCENT = 80, 100
_MORE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_FEWER = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


class Observability(Stack):
    """Alarms and the dashboard. It uses only the names of the other stacks' resources, so it depends on no stack."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        name = deployment.resource_name("observability")
        super().__init__(scope, name, stack_name=name)
        self._deployment = deployment
        self._topic = self._make_topic()
        made = {alarm.name: self._alarm(alarm) for alarm in alarms.ALARMS if self._is_wanted(alarm)}
        for composite in alarms.COMPOSITES:
            self._composite(composite, made)
        if deployment.monthly_budget_dollars:
            self._budget(float(deployment.monthly_budget_dollars))
        if deployment.is_production:
            self._dashboard()

    def _make_topic(self) -> sns.Topic:
        # Without a key of its own: a message has the alarm's name and figures alone, and a key with a wrong policy
        # would silence every alarm.
        topic = sns.Topic(self, "Alarms", topic_name=self._deployment.resource_name("alarms"), enforce_ssl=True)
        # An explicit policy replaces SNS's own one, which lets every service of the account publish.
        alarm_arns = f"arn:{Aws.PARTITION}:cloudwatch:{Aws.REGION}:{Aws.ACCOUNT_ID}:alarm:"
        publishers = {
            "cloudwatch.amazonaws.com": {
                "ArnLike": {"aws:SourceArn": f"{alarm_arns}{self._deployment.resource_name('*')}"}
            },
            "budgets.amazonaws.com": {},
        }
        for service, conditions in publishers.items():
            topic.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal(service)],
                    actions=["sns:Publish"],
                    resources=[topic.topic_arn],
                    conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}, **conditions},
                )
            )
        if self._deployment.alarm_email:
            topic.add_subscription(subscriptions.EmailSubscription(self._deployment.alarm_email))
        return topic

    def _is_wanted(self, alarm: alarms.Alarm) -> bool:
        if alarm.needs == "ses" and self._deployment.mail_carrier != "ses":
            return False
        return self._deployment.is_production or alarm.everywhere

    def _alarm(self, alarm: alarms.Alarm) -> cloudwatch.Alarm:
        # Missing data means that nothing happened. Only for a silent metric is missing data the alarm.
        quiet = cloudwatch.TreatMissingData.BREACHING if alarm.silent else cloudwatch.TreatMissingData.NOT_BREACHING
        made = self._metric(alarm.metric).create_alarm(
            self,
            alarm.name.replace("/", "-"),
            alarm_name=self._deployment.resource_name(alarm.name),
            alarm_description=f"{alarm.means} docs/operating.md#alarms: {alarm.kind or alarm.name}",
            comparison_operator=_FEWER if alarm.silent else _MORE,
            threshold=alarm.above,
            evaluation_periods=alarm.periods,
            treat_missing_data=quiet,
        )
        if alarm.through is None or not self._deployment.has_feature("composite_alarms"):
            made.add_alarm_action(actions.SnsAction(self._topic))
        return made

    def _composite(self, composite: alarms.Composite, made: Mapping[str, cloudwatch.Alarm]) -> None:
        """Make an alarm that rings once for several alarms, if the deployment has them."""
        found = [made[name] for name in composite.of if name in made]
        if not found or not self._deployment.has_feature("composite_alarms"):
            return
        alarm = cloudwatch.CompositeAlarm(
            self,
            composite.name,
            composite_alarm_name=self._deployment.resource_name(composite.name),
            alarm_description=f"{composite.means} docs/operating.md#alarms: {composite.name}",
            alarm_rule=cloudwatch.AlarmRule.any_of(
                *(cloudwatch.AlarmRule.from_alarm(one, cloudwatch.AlarmState.ALARM) for one in found)
            ),
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))

    def _budget(self, dollars: float) -> None:
        """Tell people what the account spends. The budget is the account's: a tag would first have to be activated."""
        told = [("ACTUAL", SPENT_PERCENT), ("FORECASTED", EXPECTED_PERCENT)]
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=self._deployment.resource_name("spending"),
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=dollars, unit="USD"),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN",
                        notification_type=kind,
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[
                        budgets.CfnBudget.SubscriberProperty(address=self._topic.topic_arn, subscription_type="SNS")
                    ],
                )
                for kind, percent in told
            ],
        )

    def _metric(self, metric: alarms.Metric) -> cloudwatch.Metric:
        stage = self._deployment.stage
        return cloudwatch.Metric(
            namespace=telemetry.metric_namespace(stage) if metric.namespace == alarms.OURS else metric.namespace,
            metric_name=metric.name,
            dimensions_map={name: self._dimension(value) for name, value in metric.dimensions},
            statistic=metric.statistic,
            period=Duration.minutes(metric.minutes),
        )

    def _dimension(self, value: str | alarms.Named) -> str:
        if isinstance(value, alarms.Named):
            return self._deployment.resource_name(*value.parts) + value.suffix
        return Aws.REGION if value == alarms.REGION else value

    def _of_queue(self, queue: resources.Queue, metric: str, ending: str = "") -> cloudwatch.Metric:
        return self._metric(alarms.queue_metric(f"{queue.name}{ending}", metric, fifo=queue.fifo))

    def _of(self, function: resources.Function, metric: str, statistic: str = "Sum") -> cloudwatch.Metric:
        return self._metric(alarms.function_metric(function.name, metric, statistic))

    def _of_api(self, api: resources.Api, metric: str, statistic: str) -> cloudwatch.Metric:
        return self._metric(alarms.api_metric(api.name, metric, statistic))

    def _failed_jobs(self, function: resources.Function) -> cloudwatch.Metric:
        dimensions = (("Function", alarms.Named((function.name,))),)
        return self._metric(alarms.Metric(alarms.OURS, "JobFailed", dimensions))

    def _dashboard(self) -> None:
        groups = [group for group in topology.GROUPS if not group.streaming]
        streams = [group for group in topology.GROUPS if group.streaming]
        apis, queues, workers = topology.APIS, topology.QUEUES, (*topology.WORKERS, *topology.SCHEDULES)
        waiting, oldest = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=self._deployment.resource_name())
        dashboard.add_widgets(
            _graph("Requests", {api.name: self._of_api(api, "Count", "Sum") for api in apis}),
            _graph("Refused (4xx)", {api.name: self._of_api(api, "4XXError", "Average") for api in apis}),
            _graph("Failed (5xx)", {api.name: self._of_api(api, "5XXError", "Average") for api in apis}),
        )
        dashboard.add_widgets(
            _graph("Slowest 1 %, ms", {group.name: self._of(group, "Duration", "p99") for group in groups}),
            _graph("Crashes of groups", {group.name: self._of(group, "Errors") for group in topology.GROUPS}),
            _graph("Crashes of workers", {worker.name: self._of(worker, "Errors") for worker in workers}),
        )
        dashboard.add_widgets(
            _graph("Failed jobs", {worker.name: self._failed_jobs(worker) for worker in topology.WORKERS}),
            _graph("Throttled", {one.name: self._of(one, "Throttles") for one in topology.FUNCTIONS}),
            _graph("Open streams", {one.name: self._of(one, "ConcurrentExecutions", "Maximum") for one in streams}),
        )
        dashboard.add_widgets(
            _graph("Oldest job, s", {queue.name: self._of_queue(queue, oldest) for queue in queues}),
            _graph("Waiting", {queue.name: self._of_queue(queue, waiting) for queue in queues}),
            _graph("Given up", {queue.name: self._of_queue(queue, waiting, "-dlq") for queue in queues}),
        )


def _graph(title: str, metrics: Mapping[str, cloudwatch.Metric]) -> cloudwatch.GraphWidget:
    left = [metric.with_(label=label) for label, metric in metrics.items()]
    return cloudwatch.GraphWidget(title=title, left=left, width=8)
