"""Alarms, what they watch and whom they tell, and the dashboard."""

from __future__ import annotations

import re
from typing import Any

import pytest

from infra import alarms, resources, topology
from infra.alarms_of_code import CODE, FIGURES
from infra.build import ROOT
from switchboard import telemetry
from tests.infra.templates import Templates
from tests.infra.test_functions import queue_name

queues = pytest.mark.parametrize("queue", [pytest.param(queue, id=queue.name) for queue in topology.QUEUES])
_EMITTED = re.compile(r'telemetry\.emit_metric\(\s*"(\w+)"')
#: Metrics whose name is not in the call.
_BY_NAME = {"PaymentDisputed", "InvoiceNotFinalized", "AwsThrottled", "AwsFailed"}


def test_every_alarm_of_the_list_is_made(full_deployment: Templates) -> None:
    made = {alarm["AlarmName"]: alarm for alarm in full_deployment.all("AWS::CloudWatch::Alarm")}
    assert made.keys() == {full_deployment.name(alarm.name) for alarm in alarms.ALARMS}
    for alarm in alarms.ALARMS:
        found = made[full_deployment.name(alarm.name)]
        assert (found["Threshold"], found["EvaluationPeriods"]) == (alarm.above, alarm.periods), alarm.name
        assert found["Period"] == alarm.metric.minutes * 60
        assert found["TreatMissingData"] == ("breaching" if alarm.silent else "notBreaching")
        assert found["AlarmDescription"].startswith(alarm.means)
    composites = {alarm["AlarmName"] for alarm in full_deployment.all("AWS::CloudWatch::CompositeAlarm")}
    assert composites == {full_deployment.name(composite.name) for composite in alarms.COMPOSITES}


def test_a_name_of_an_alarm_is_there_once() -> None:
    names = [alarm.name for alarm in (*alarms.ALARMS, *alarms.COMPOSITES)]
    assert len(names) == len(set(names))


def test_every_alarm_notifies_the_operators_itself_or_through_one_that_does(full_deployment: Templates) -> None:
    topic = full_deployment.one("AWS::SNS::Topic", TopicName=full_deployment.name("alarms"))
    composites = list(full_deployment.all("AWS::CloudWatch::CompositeAlarm"))
    assert all(alarm["AlarmActions"] == [topic["TopicName"]] for alarm in composites)
    rules = " ".join(str(alarm["AlarmRule"]) for alarm in composites)
    silent = [
        alarm["AlarmName"]
        for alarm in full_deployment.all("AWS::CloudWatch::Alarm")
        if alarm.get("AlarmActions") != [topic["TopicName"]] and f"{alarm['id']}.Arn" not in rules
    ]
    assert not silent, f"let {silent} notify the topic of alarms, or ring through a composite alarm"
    subscription = full_deployment.one("AWS::SNS::Subscription", Protocol="email")
    assert (subscription["Endpoint"], subscription["TopicArn"]) == ("oncall@example.com", topic["TopicName"])


def test_every_alarm_watches_an_existing_resource(full_deployment: Templates) -> None:
    there = {
        "QueueName": {made["QueueName"] for made in full_deployment.all("AWS::SQS::Queue")},
        "FunctionName": {made["FunctionName"] for made in full_deployment.all("AWS::Lambda::Function")},
        "Resource": {f"{made['FunctionName']}:{made['Name']}" for made in full_deployment.all("AWS::Lambda::Alias")},
        "ApiName": {made["Name"] for made in full_deployment.all("AWS::ApiGateway::RestApi")},
        "Stage": {made["StageName"] for made in full_deployment.all("AWS::ApiGateway::Stage")},
        "WebACL": {made["Name"] for made in full_deployment.all("AWS::WAFv2::WebACL")},
        "Region": {"Region"},
        "Rule": {"ALL"},
        # The names that botocore gives the services of our clients.
        "Service": {"bedrock-runtime", "dynamodb", "ses", "sqs"},
    }
    for alarm in full_deployment.all("AWS::CloudWatch::Alarm"):
        for dimension in alarm.get("Dimensions", []):
            assert dimension["Value"] in there[dimension["Name"]], alarm["AlarmName"]


def test_every_metric_of_the_code_is_watched_or_a_figure(full_deployment: Templates) -> None:
    emitted = set(_BY_NAME)
    for folder in ("layers/switchboard", "functions"):
        for path in (ROOT / folder).rglob("*.py"):
            emitted |= set(_EMITTED.findall(path.read_text()))
    watched = {one.metric for one in CODE.values()}
    assert not watched & FIGURES
    unknown = emitted - watched - FIGURES
    assert not unknown, f"give {unknown} an alarm in infra/alarms_of_code.py, or list it in FIGURES"
    gone = (watched | FIGURES) - emitted
    assert not gone, f"remove {gone} from infra/alarms_of_code.py: nothing counts it"
    ours = [alarm for alarm in full_deployment.all("AWS::CloudWatch::Alarm") if alarm["MetricName"] in watched]
    assert {alarm["Namespace"] for alarm in ours} == {telemetry.metric_namespace("test")}


@queues
def test_a_dead_letter_raises_an_alarm(full_deployment: Templates, queue: resources.Queue) -> None:
    dead = full_deployment.name(f"{queue.name}-dlq") + (".fifo" if queue.fifo else "")
    alarm = find_alarm(full_deployment, "ApproximateNumberOfMessagesVisible", QueueName=dead)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)


@queues
def test_a_job_that_waits_too_long_raises_the_alarm_of_its_cause(
    full_deployment: Templates, queue: resources.Queue
) -> None:
    alarm = find_alarm(
        full_deployment, "ApproximateAgeOfOldestMessage", QueueName=queue_name(full_deployment, queue.name)
    )
    assert alarm["Threshold"] == 300
    causes = [name for name, names in alarms.CAUSES.items() if queue.name in names]
    assert len(causes) == 1, f"give {queue.name} one cause in CAUSES of infra/alarms.py"


def test_reserves_and_the_account_raise_an_alarm_before_they_are_used_up(full_deployment: Templates) -> None:
    account = find_alarm(full_deployment, "ConcurrentExecutions")
    assert account["Threshold"] < topology.ACCOUNT_EXECUTIONS
    for group in topology.GROUPS:
        if group.streaming:
            name = full_deployment.name(group.name)
            assert find_alarm(full_deployment, "ConcurrentExecutions", FunctionName=name)["Threshold"] < group.reserved


def test_the_reputation_of_mail_is_watched_with_ses_alone(
    full_deployment: Templates, bare_deployment: Templates
) -> None:
    assert find_alarm(full_deployment, "Reputation.BounceRate")["Threshold"] < 0.05
    assert find_alarm(full_deployment, "Reputation.ComplaintRate")["Threshold"] < 0.001
    assert not [one for one in bare_deployment.all("AWS::CloudWatch::Alarm") if one["Namespace"] == "AWS/SES"]


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
    alarm = find_alarm(full_deployment, "5XXError", ApiName=full_deployment.name("api", api.name), Stage="live")
    # It must ring while a release is at its canary: ten minutes.
    assert alarm["Period"] * alarm["EvaluationPeriods"] <= 300


def test_spending_tells_the_operators(full_deployment: Templates, bare_deployment: Templates) -> None:
    budget = full_deployment.one("AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 500, "Unit": "USD"}
    told = budget["NotificationsWithSubscribers"]
    assert {one["Notification"]["NotificationType"] for one in told} == {"ACTUAL", "FORECASTED"}
    assert {each["Address"] for one in told for each in one["Subscribers"]} == {full_deployment.name("alarms")}
    assert not list(bare_deployment.all("AWS::Budgets::Budget"))


def test_a_development_deployment_has_the_alarms_of_the_platform_alone(development: Templates) -> None:
    made = {alarm["AlarmName"] for alarm in development.all("AWS::CloudWatch::Alarm")}
    assert made == {development.name(alarm.name) for alarm in alarms.ALARMS if alarm.everywhere}
    assert {development.name(name) for name in ("jobs-fail", "timers-dead", "schedules/tick-missing")} <= made
    for kind in ("AWS::CloudWatch::Dashboard", "AWS::CloudWatch::CompositeAlarm", "AWS::WAFv2::WebACL"):
        assert not list(development.all(kind))
    assert not any("SnapStart" in made for made in development.all("AWS::Lambda::Function"))


def test_the_operators_page_says_what_to_do_for_every_alarm() -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    section = page[page.index("## Alarms") :].split("\n## ")[0]
    wanted = {getattr(alarm, "kind", None) or alarm.name for alarm in (*alarms.ALARMS, *alarms.COMPOSITES)}
    rows = set(re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)) - {"spending"}
    assert rows == wanted, "docs/operating.md, Alarms: one row for each alarm of infra/alarms.py"


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
