"""Queues, triggers of the workers, schedules, and the notices about mail."""

from __future__ import annotations

import json

import pytest

from infra import resources, topology
from tests.infra.templates import Templates
from tests.infra.test_functions import bucket_name, queue_name

queues = pytest.mark.parametrize("queue", [pytest.param(queue, id=queue.name) for queue in topology.QUEUES])
_FROM_QUEUES = [worker for worker in topology.WORKERS if worker.queue]
from_queues = pytest.mark.parametrize("worker", [pytest.param(worker, id=worker.name) for worker in _FROM_QUEUES])


@queues
def test_a_job_that_keeps_failing_ends_in_a_dead_letter_queue(
    full_deployment: Templates, queue: resources.Queue
) -> None:
    suffix = ".fifo" if queue.fifo else ""
    dead = full_deployment.one("AWS::SQS::Queue", QueueName=full_deployment.name(f"{queue.name}-dlq") + suffix)
    made = full_deployment.one("AWS::SQS::Queue", QueueName=queue_name(full_deployment, queue.name))
    assert made["RedrivePolicy"] == {
        "deadLetterTargetArn": f"{dead['QueueName']}.Arn",
        "maxReceiveCount": queue.max_receives,
    }
    assert dead["MessageRetentionPeriod"] == topology.DEAD_LETTERS_DAYS * 24 * 3_600


@queues
def test_a_queues_visibility_timeout_is_the_topologys(full_deployment: Templates, queue: resources.Queue) -> None:
    made = full_deployment.one("AWS::SQS::Queue", QueueName=queue_name(full_deployment, queue.name))
    assert made["VisibilityTimeout"] == queue.visibility_seconds


@pytest.mark.parametrize("function", [pytest.param(one, id=one.name) for one in topology.WORKERS])
def test_recursion_is_allowed_where_the_topology_says_so(
    full_deployment: Templates, function: resources.Worker
) -> None:
    made = full_deployment.one("AWS::Lambda::Function", FunctionName=full_deployment.name(function.name))
    assert made.get("RecursiveLoop") == ("Allow" if topology.feeds_itself(function) else None)


@queues
def test_fifo_queues_are_those_of_the_topology(full_deployment: Templates, queue: resources.Queue) -> None:
    made = full_deployment.one("AWS::SQS::Queue", QueueName=queue_name(full_deployment, queue.name))
    assert made.get("FifoQueue", False) is queue.fifo
    # The sender sets the deduplication ids: an event that is sent again may have another body.
    assert not made.get("ContentBasedDeduplication", False)


def test_every_queue_is_encrypted_and_requires_tls(full_deployment: Templates) -> None:
    policies = {name: policy for policy in full_deployment.all("AWS::SQS::QueuePolicy") for name in policy["Queues"]}
    for made in full_deployment.all("AWS::SQS::Queue"):
        assert made["SqsManagedSseEnabled"] is True
        denied = policies[made["QueueName"]]["PolicyDocument"]["Statement"][0]
        assert denied["Effect"] == "Deny"
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@from_queues
def test_a_worker_reports_failed_jobs_only(full_deployment: Templates, worker: resources.Worker) -> None:
    called = f"{full_deployment.name(worker.name)}:live"
    mapping = full_deployment.one("AWS::Lambda::EventSourceMapping", FunctionName=called)
    assert mapping["EventSourceArn"] == f"{queue_name(full_deployment, worker.queue or '')}.Arn"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BatchSize"] == worker.batch
    concurrency = worker.concurrency and {"MaximumConcurrency": worker.concurrency}
    assert mapping.get("ScalingConfig") == concurrency


def test_fan_out_receives_inserts_only_and_records_failures(full_deployment: Templates) -> None:
    worker = next(worker for worker in topology.WORKERS if worker.stream)
    called = f"{full_deployment.name(worker.name)}:live"
    mapping = full_deployment.one("AWS::Lambda::EventSourceMapping", FunctionName=called)
    assert mapping["EventSourceArn"] == f"{full_deployment.name(worker.stream or '')}.StreamArn"
    assert [json.loads(each["Pattern"]) for each in mapping["FilterCriteria"]["Filters"]] == [
        {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"outbox": {"S": [{"exists": True}]}}}}
    ]
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # The stream's retention less an hour. After that, the queue of failures names the records.
    assert "MaximumRetryAttempts" not in mapping
    assert mapping["MaximumRecordAgeInSeconds"] == 23 * 3_600
    assert mapping["ParallelizationFactor"] == worker.parallel == 10
    failures = f"{full_deployment.name(worker.name, 'failures')}.Arn"
    assert mapping["DestinationConfig"] == {"OnFailure": {"Destination": failures}}


def test_every_worker_has_one_event_source(full_deployment: Templates) -> None:
    made = sorted(mapping["FunctionName"] for mapping in full_deployment.all("AWS::Lambda::EventSourceMapping"))
    assert made == sorted(f"{full_deployment.name(worker.name)}:live" for worker in topology.WORKERS), (
        "infra/stacks: make one event source for each line of WORKERS in infra/topology.py"
    )


@pytest.mark.parametrize("schedule", [pytest.param(schedule, id=schedule.name) for schedule in topology.SCHEDULES])
def test_a_schedule_starts_its_function_without_retries(
    full_deployment: Templates, schedule: resources.Schedule
) -> None:
    rule = full_deployment.one("AWS::Events::Rule", Name=full_deployment.name(schedule.name))
    rates = {1: "rate(1 minute)", 60: "rate(1 hour)"}
    assert rule["ScheduleExpression"] == rates[schedule.rate_minutes]
    assert rule["State"] == "ENABLED"
    (target,) = rule["Targets"]
    assert target["Arn"] == f"{full_deployment.name(schedule.name)}:live"
    invoke = full_deployment.one("AWS::Lambda::EventInvokeConfig", FunctionName=full_deployment.name(schedule.name))
    assert (invoke["MaximumRetryAttempts"], invoke["Qualifier"]) == (0, "live")
    full_deployment.one("AWS::Lambda::Permission", Principal="events.amazonaws.com", SourceArn=f"{rule['Name']}.Arn")


def test_delivery_events_of_mail_reach_the_queue(full_deployment: Templates) -> None:
    topic = full_deployment.one("AWS::SNS::Topic", TopicName=full_deployment.name("mail"))
    destination = full_deployment.one("AWS::SES::ConfigurationSetEventDestination")
    assert destination["ConfigurationSetName"] == full_deployment.name("mail")
    assert destination["EventDestination"] == {
        "Enabled": True,
        "MatchingEventTypes": ["send", "delivery", "deliveryDelay", "bounce", "complaint", "reject"],
        "SnsDestination": {"TopicARN": topic["TopicName"]},
    }
    subscription = full_deployment.one("AWS::SNS::Subscription", TopicArn=topic["TopicName"])
    assert subscription["Endpoint"] == f"{queue_name(full_deployment, 'email-events')}.Arn"
    # The worker reads SES' event without the SNS envelope.
    assert subscription["RawMessageDelivery"] is True


def test_reports_of_mail_are_encrypted_by_a_key_that_ses_may_use(full_deployment: Templates) -> None:
    key = full_deployment.one("AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True
    assert (
        full_deployment.one("AWS::SNS::Topic", TopicName=full_deployment.name("mail"))["KmsMasterKeyId"]
        == f"{key['id']}.Arn"
    )
    (statement,) = (made for made in key["KeyPolicy"]["Statement"] if "Service" in made["Principal"])
    assert statement["Principal"] == {"Service": "ses.amazonaws.com"}
    assert set(statement["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "AccountId"}}


def test_incoming_mail_is_scanned_stored_and_announced(full_deployment: Templates) -> None:
    topic = full_deployment.one("AWS::SNS::Topic", TopicName=full_deployment.name("inbound-mail"))
    made = full_deployment.one("AWS::SES::ReceiptRule")
    assert (
        made["RuleSetName"]
        == full_deployment.one("AWS::SES::ReceiptRuleSet")["RuleSetName"]
        == full_deployment.name("mail")
    )
    rule = made["Rule"]
    # The bucket's policy names the rule.
    assert (rule["Name"], rule["Recipients"]) == (full_deployment.name("inbound"), ["agents.example.com"])
    assert (rule["Enabled"], rule["ScanEnabled"], rule["TlsPolicy"]) == (True, True, "Optional")
    assert rule["Actions"] == [
        {
            "S3Action": {
                "BucketName": bucket_name(full_deployment, "inbound-mail"),
                "ObjectKeyPrefix": "inbound/",
                "TopicArn": topic["TopicName"],
            }
        }
    ]


def test_the_notice_of_mail_reaches_its_queue_unchanged(full_deployment: Templates) -> None:
    topic = full_deployment.one("AWS::SNS::Topic", TopicName=full_deployment.name("inbound-mail"))
    subscription = full_deployment.one("AWS::SNS::Subscription", TopicArn=topic["TopicName"])
    assert subscription["Endpoint"] == f"{queue_name(full_deployment, 'inbound-mail')}.Arn"
    assert subscription["RawMessageDelivery"] is True
    assert topic["KmsMasterKeyId"] == f"{full_deployment.one('AWS::KMS::Key')['id']}.Arn"
    policy = next(
        made for made in full_deployment.all("AWS::SNS::TopicPolicy") if made["Topics"] == [topic["TopicName"]]
    )
    (allowed,) = (made for made in policy["PolicyDocument"]["Statement"] if made["Effect"] == "Allow")
    assert allowed["Principal"] == {"Service": "ses.amazonaws.com"}
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": "AccountId"}}


def test_the_steps_to_receive_mail_are_outputs_of_the_stack(full_deployment: Templates) -> None:
    outputs = full_deployment.stacks[full_deployment.name("workers")]["Outputs"].values()
    values = [str(full_deployment.resolve(full_deployment.name("workers"), output["Value"])) for output in outputs]
    assert "agents.example.com MX 10 inbound-smtp.Region.amazonaws.com" in values
    assert f"aws ses set-active-receipt-rule-set --rule-set-name {full_deployment.name('mail')}" in values


def test_without_ses_there_is_no_incoming_mail(bare_deployment: Templates) -> None:
    assert not list(bare_deployment.all("AWS::SES::ReceiptRule"))
    assert bare_deployment.function("callbacks/email")


def test_mail_goes_out_under_both_domains(full_deployment: Templates) -> None:
    assert {made["EmailIdentity"] for made in full_deployment.all("AWS::SES::EmailIdentity")} == {
        "example.com",
        "agents.example.com",
    }
    records = [name for name in full_deployment.stacks[full_deployment.name("workers")]["Outputs"] if "Dkim" in name]
    assert len(records) == 2 * 3
