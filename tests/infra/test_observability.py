"""Alarms and the dashboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra import resources, topology
from switchboard import telemetry
from tests.infra.templates import Templates
from tests.infra.test_functions import queue_name

queues = pytest.mark.parametrize("queue", [pytest.param(queue, id=queue.name) for queue in topology.QUEUES])
functions = pytest.mark.parametrize("function", [pytest.param(made, id=made.name) for made in topology.FUNCTIONS])


@queues
def test_a_dead_letter_raises_an_alarm(full_deployment: Templates, queue: resources.Queue) -> None:
    dead = full_deployment.name(f"{queue.name}-dlq") + (".fifo" if queue.fifo else "")
    alarm = find_alarm(full_deployment, "ApproximateNumberOfMessagesVisible", QueueName=dead)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)


@queues
def test_a_job_that_waits_too_long_raises_an_alarm(full_deployment: Templates, queue: resources.Queue) -> None:
    alarm = find_alarm(
        full_deployment, "ApproximateAgeOfOldestMessage", QueueName=queue_name(full_deployment, queue.name)
    )
    assert alarm["Threshold"] == 300


@functions
@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_errors_and_throttles_raise_an_alarm(
    full_deployment: Templates, function: resources.Function, metric: str
) -> None:
    alarm = find_alarm(full_deployment, metric, FunctionName=full_deployment.name(function.name))
    assert (alarm["Threshold"], alarm["Statistic"]) == (0, "Sum")


@pytest.mark.parametrize(
    "group", [pytest.param(group, id=group.name) for group in topology.GROUPS if not group.streaming]
)
def test_a_slow_group_raises_an_alarm(full_deployment: Templates, group: resources.Group) -> None:
    alarm = find_alarm(full_deployment, "Duration", FunctionName=full_deployment.name(group.name))
    assert (alarm["ExtendedStatistic"], alarm["Threshold"]) == ("p99", 3_000)


def test_a_fan_out_that_falls_behind_or_gives_up_raises_an_alarm(full_deployment: Templates) -> None:
    for worker in topology.WORKERS:
        if worker.stream:
            assert (
                find_alarm(full_deployment, "IteratorAge", FunctionName=full_deployment.name(worker.name))["Threshold"]
                == 60_000
            )
            failures = full_deployment.name(worker.name, "failures")
            assert (
                find_alarm(full_deployment, "ApproximateNumberOfMessagesVisible", QueueName=failures)["Threshold"] == 0
            )


def test_overdue_law_reviews_raise_an_alarm_that_stays(full_deployment: Templates) -> None:
    alarm = find_alarm(full_deployment, "LawReviewOverdue")
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
    # The schedule counts every hour, so the next count is in the same period or the following one.
    schedule = next(one for one in topology.SCHEDULES if one.name == "schedules/law")
    assert alarm["Period"] >= 2 * 60 * schedule.rate_minutes


def test_a_missing_tick_raises_an_alarm(full_deployment: Templates) -> None:
    for schedule in topology.SCHEDULES:
        alarm = find_alarm(full_deployment, "Invocations", FunctionName=full_deployment.name(schedule.name))
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
        assert alarm["TreatMissingData"] == "breaching"


@pytest.mark.parametrize("api", [pytest.param(api, id=api.name) for api in topology.APIS])
def test_an_api_that_fails_raises_an_alarm(full_deployment: Templates, api: resources.Api) -> None:
    assert find_alarm(full_deployment, "5XXError", ApiName=full_deployment.name("api", api.name), Stage="live")


@pytest.mark.parametrize("metric", ["TimerDead", "OutboxUnreadable"])
def test_work_that_waits_for_an_operator_raises_an_alarm(full_deployment: Templates, metric: str) -> None:
    alarm = find_alarm(full_deployment, metric)
    assert (alarm["Namespace"], alarm["Threshold"], alarm["Statistic"]) == (telemetry.NAMESPACE, 0, "Sum")
    layer = Path(telemetry.__file__).parent
    counted = [path for path in layer.rglob("*.py") if f'telemetry.emit_metric("{metric}")' in path.read_text()]
    assert counted, "the alarm watches a metric without dimensions"


def test_every_alarm_notifies_the_operators(full_deployment: Templates) -> None:
    topic = full_deployment.one("AWS::SNS::Topic", TopicName=full_deployment.name("alarms"))
    silent = [
        alarm["AlarmName"]
        for alarm in full_deployment.all("AWS::CloudWatch::Alarm")
        if alarm["AlarmActions"] != [topic["TopicName"]]
    ]
    assert not silent, f"let {silent} notify the topic of alarms in infra/stacks"
    subscription = full_deployment.one("AWS::SNS::Subscription", Protocol="email")
    assert (subscription["Endpoint"], subscription["TopicArn"]) == ("oncall@example.com", topic["TopicName"])


def test_every_alarm_watches_an_existing_metric(full_deployment: Templates) -> None:
    there = {
        "QueueName": {made["QueueName"] for made in full_deployment.all("AWS::SQS::Queue")},
        "FunctionName": {made["FunctionName"] for made in full_deployment.all("AWS::Lambda::Function")},
        "ApiName": {made["Name"] for made in full_deployment.all("AWS::ApiGateway::RestApi")},
        "Stage": {made["StageName"] for made in full_deployment.all("AWS::ApiGateway::Stage")},
    }
    for alarm in full_deployment.all("AWS::CloudWatch::Alarm"):
        for dimension in alarm.get("Dimensions", []):
            assert dimension["Value"] in there[dimension["Name"]], alarm["AlarmName"]


def test_the_dashboard_shows_every_api_group_and_queue(full_deployment: Templates) -> None:
    body = full_deployment.one("AWS::CloudWatch::Dashboard", DashboardName=full_deployment.name())["DashboardBody"]
    shown = [
        *(full_deployment.name("api", api.name) for api in topology.APIS),
        *(full_deployment.name(function.name) for function in topology.FUNCTIONS),
        *(queue_name(full_deployment, queue.name) for queue in topology.QUEUES),
    ]
    missing = [name for name in shown if f'"{name}"' not in body]
    assert not missing, f"show {missing} on the dashboard in infra/stacks"


def find_alarm(full_deployment: Templates, metric: str, **dimensions: str) -> dict[str, Any]:
    """The one alarm on a metric with these dimensions."""
    wanted = sorted(dimensions.items())
    (alarm,) = (
        alarm
        for alarm in full_deployment.all("AWS::CloudWatch::Alarm")
        if alarm["MetricName"] == metric
        and sorted((each["Name"], each["Value"]) for each in alarm.get("Dimensions", [])) == wanted
    )
    return alarm
