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
def test_one_dead_letter_raises_an_alarm(full: Templates, queue: resources.Queue) -> None:
    dead = full.name(f"{queue.name}-dlq") + (".fifo" if queue.fifo else "")
    alarm = alarm_of(full, "ApproximateNumberOfMessagesVisible", QueueName=dead)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)


@queues
def test_a_job_that_waits_too_long_raises_an_alarm(full: Templates, queue: resources.Queue) -> None:
    alarm = alarm_of(full, "ApproximateAgeOfOldestMessage", QueueName=queue_name(full, queue.name))
    assert alarm["Threshold"] == 300


@functions
@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_errors_and_throttles_raise_an_alarm(full: Templates, function: resources.Function, metric: str) -> None:
    alarm = alarm_of(full, metric, FunctionName=full.name(function.name))
    assert (alarm["Threshold"], alarm["Statistic"]) == (0, "Sum")


@pytest.mark.parametrize(
    "group", [pytest.param(group, id=group.name) for group in topology.GROUPS if not group.streaming]
)
def test_a_slow_group_raises_an_alarm(full: Templates, group: resources.Group) -> None:
    alarm = alarm_of(full, "Duration", FunctionName=full.name(group.name))
    assert (alarm["ExtendedStatistic"], alarm["Threshold"]) == ("p99", 3_000)


def test_a_fan_out_that_falls_behind_or_gives_up_raises_an_alarm(full: Templates) -> None:
    for worker in topology.WORKERS:
        if worker.stream:
            assert alarm_of(full, "IteratorAge", FunctionName=full.name(worker.name))["Threshold"] == 60_000
            failures = full.name(worker.name, "failures")
            assert alarm_of(full, "ApproximateNumberOfMessagesVisible", QueueName=failures)["Threshold"] == 0


def test_law_that_should_have_been_looked_up_again_raises_an_alarm_that_stays(full: Templates) -> None:
    alarm = alarm_of(full, "LawReviewOverdue")
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
    # The schedule counts every hour: what it counts next is in the same period, or in the one that follows.
    schedule = next(one for one in topology.SCHEDULES if one.name == "schedules/law")
    assert alarm["Period"] >= 2 * 60 * schedule.rate_minutes


def test_a_tick_that_does_not_come_raises_an_alarm(full: Templates) -> None:
    for schedule in topology.SCHEDULES:
        alarm = alarm_of(full, "Invocations", FunctionName=full.name(schedule.name))
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
        assert alarm["TreatMissingData"] == "breaching"


@pytest.mark.parametrize("api", [pytest.param(api, id=api.name) for api in topology.APIS])
def test_an_api_that_fails_raises_an_alarm(full: Templates, api: resources.Api) -> None:
    assert alarm_of(full, "5XXError", ApiName=full.name("api", api.name), Stage="live")


@pytest.mark.parametrize("metric", ["TimerDead", "OutboxUnreadable"])
def test_what_waits_for_an_operator_raises_an_alarm_as_the_code_counts_it(full: Templates, metric: str) -> None:
    alarm = alarm_of(full, metric)
    assert (alarm["Namespace"], alarm["Threshold"], alarm["Statistic"]) == (telemetry.NAMESPACE, 0, "Sum")
    layer = Path(telemetry.__file__).parent
    counted = [path for path in layer.rglob("*.py") if f'telemetry.emit_metric("{metric}")' in path.read_text()]
    assert counted, "a metric without a dimension, which the alarm watches"


def test_every_alarm_tells_somebody(full: Templates) -> None:
    topic = full.one("AWS::SNS::Topic", TopicName=full.name("alarms"))
    assert all(alarm["AlarmActions"] == [topic["TopicName"]] for alarm in full.all("AWS::CloudWatch::Alarm"))
    subscription = full.one("AWS::SNS::Subscription", Protocol="email")
    assert (subscription["Endpoint"], subscription["TopicArn"]) == ("oncall@example.com", topic["TopicName"])


def test_an_alarm_watches_what_is_there(full: Templates) -> None:
    there = {
        "QueueName": {made["QueueName"] for made in full.all("AWS::SQS::Queue")},
        "FunctionName": {made["FunctionName"] for made in full.all("AWS::Lambda::Function")},
        "ApiName": {made["Name"] for made in full.all("AWS::ApiGateway::RestApi")},
        "Stage": {made["StageName"] for made in full.all("AWS::ApiGateway::Stage")},
    }
    for alarm in full.all("AWS::CloudWatch::Alarm"):
        for dimension in alarm.get("Dimensions", []):
            assert dimension["Value"] in there[dimension["Name"]], alarm["AlarmName"]


def test_the_dashboard_shows_every_api_group_and_queue(full: Templates) -> None:
    body = full.one("AWS::CloudWatch::Dashboard", DashboardName=full.name())["DashboardBody"]
    shown = [
        *(full.name("api", api.name) for api in topology.APIS),
        *(full.name(function.name) for function in topology.FUNCTIONS),
        *(queue_name(full, queue.name) for queue in topology.QUEUES),
    ]
    assert not [name for name in shown if f'"{name}"' not in body]


def alarm_of(full: Templates, metric: str, **dimensions: str) -> dict[str, Any]:
    """The one alarm on a metric with these dimensions."""
    wanted = sorted(dimensions.items())
    (alarm,) = (
        alarm
        for alarm in full.all("AWS::CloudWatch::Alarm")
        if alarm["MetricName"] == metric
        and sorted((each["Name"], each["Value"]) for each in alarm.get("Dimensions", [])) == wanted
    )
    return alarm
