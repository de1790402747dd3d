"""Workers: each job to the function that does its kind, and what failed comes again when the worker says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra import topology
from switchboard import workers
from switchboard.aws import clients
from switchboard.aws import queues as queue
from switchboard.aws.queues import MessageReceipt
from switchboard.calls.jobs import DialCall
from switchboard.email.jobs import ConfirmMail, SendMail
from switchboard.kit import settings
from switchboard.kit.jobs import Job, QueueMessage, job_queues

pytestmark = pytest.mark.usefixtures("cloud")

SEND = SendMail(org_id="org_1", message_id="msg_1")


class Boom(Exception):
    pass


def record(
    body: Any, number: int = 1, receives: int = 1, queue_name: str = "email", group: str = "g"
) -> dict[str, Any]:
    name = settings.queue_url(queue_name).rpartition("/")[2]
    return {
        "messageId": f"m{number}",
        "receiptHandle": f"h{number}",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": str(receives), "MessageGroupId": group},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{name}",
        "awsRegion": "us-east-1",
    }


def failed(answer: dict[str, Any]) -> list[str]:
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The handles of messages that were put back, with the seconds until they come again."""
    found: list[tuple[str, int]] = []

    def change(QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 botocore's names
        assert QueueUrl in {settings.queue_url(one.name) for one in topology.QUEUES}
        found.extend((entry["ReceiptHandle"], entry["VisibilityTimeout"]) for entry in Entries)
        return {}

    monkeypatch.setattr(clients.get_client("sqs"), "change_message_visibility_batch", change)
    return found


def test_each_job_goes_to_the_function_of_its_kind() -> None:
    done: list[Job] = []
    handler = workers.job_handler({SendMail: done.append, ConfirmMail: done.append})
    confirm = ConfirmMail(org_id="org_1", message_id="msg_1", claim=2)
    answer = handler({"Records": [record(SEND.body, 1), record(confirm.body, 2)]}, None)
    assert (done, failed(answer)) == ([SEND, confirm], [])


class Clock:
    """An invocation of which so many milliseconds are left."""

    def __init__(self, left: int) -> None:
        self.left = left

    def get_remaining_time_in_millis(self) -> int:
        return self.left


def test_no_job_is_begun_that_the_invocation_has_no_time_for(pauses: list[tuple[str, int]]) -> None:
    done: list[Job] = []
    context = Clock(25_000)

    def hang(job: Job) -> None:
        done.append(job)
        context.left -= 14_000

    handler = workers.job_handler({SendMail: hang})
    answer = handler({"Records": [record(SEND.body, number, receives=6) for number in (1, 2, 3)]}, context)
    assert (len(done), failed(answer)) == (1, ["m2", "m3"])
    assert [handle for handle, _ in pauses] == ["h2", "h3"]
    assert all(32 <= seconds <= 64 for _, seconds in pauses), "each receive counts, so that the pauses have to grow"


def test_a_group_that_there_is_no_time_for_goes_back_whole(pauses: list[tuple[str, int]]) -> None:
    done: list[str] = []
    context = Clock(25_000)

    def hang(group: str, _: list[dict[str, Any]]) -> None:
        done.append(group)
        context.left -= 14_000

    records = [record({}, number, 3, "audit", group) for number, group in enumerate("abab")]
    answer = workers.group_handler(hang)({"Records": records}, context)
    assert (done, failed(answer)) == (["a"], ["m1", "m3"])
    assert pauses == [("h1", 8), ("h3", 8)]


@pytest.mark.parametrize(("batch", "begun"), [(0, 2), (1, 1), (2, 1)])
def test_jobs_beside_a_batch_are_begun_after_it_and_while_there_is_time(
    batch: int, begun: int, pauses: list[tuple[str, int]]
) -> None:
    done: list[str] = []
    context = Clock(25_000)

    def all_at_once(jobs: list[SendMail]) -> set[int]:
        done.append("batch")
        context.left -= 10_000
        return set()

    def hang(_: ConfirmMail) -> None:
        done.append("beside")
        context.left -= 10_000

    confirm = ConfirmMail(org_id="org_1", message_id="msg_1", claim=2)
    records = [record(confirm.body, number) for number in range(3)]
    records += [record(SEND.body, 3 + number) for number in range(batch)]
    handler = workers.batch_handler(SendMail, all_at_once, beside={ConfirmMail: hang})
    answer = handler({"Records": records}, context)
    assert done == ["batch"] * bool(batch) + ["beside"] * begun
    assert failed(answer) == [f"m{number}" for number in range(begun, 3)]
    assert {handle for handle, _ in pauses} == {f"h{number}" for number in range(begun, 3)}


def test_a_job_beside_a_batch_is_begun_with_whatever_time_there_is_where_it_is_the_first() -> None:
    done: list[Job] = []
    confirm = ConfirmMail(org_id="org_1", message_id="msg_1", claim=2)
    handler = workers.batch_handler(SendMail, lambda _: set(), beside={ConfirmMail: done.append})
    assert failed(handler({"Records": [record(confirm.body)]}, Clock(1_000))) == []
    assert done == [confirm]


def test_the_first_job_is_begun_with_whatever_time_there_is(pauses: list[tuple[str, int]]) -> None:
    done: list[Job] = []
    answer = workers.job_handler({SendMail: done.append})({"Records": [record(SEND.body)]}, Clock(1_000))
    assert (done, failed(answer), pauses) == ([SEND], [], [])


@pytest.mark.parametrize(
    "body",
    [
        DialCall(org_id="o", call_id="c").body,
        {"job": "NoSuchJob"},
        {"org_id": "o", "message_id": "m"},
        {**SEND.body, "more": 1},
        {"job": "SendMail", "org_id": "o"},
        "no JSON",
    ],
)
def test_what_a_worker_does_not_know_fails_alone_and_loudly(body: Any, pauses: list[tuple[str, int]]) -> None:
    done: list[Job] = []
    answer = workers.job_handler({SendMail: done.append})({"Records": [record(body, 1), record(SEND.body, 2)]}, None)
    assert (done, failed(answer)) == ([SEND], ["m1"])
    assert [handle for handle, _ in pauses] == ["h1"]


def test_a_report_that_is_no_job_goes_to_who_reads_reports() -> None:
    reports: list[Any] = []
    handler = workers.job_handler({SendMail: lambda _: None}, messages=reports.append)
    assert failed(handler({"Records": [record({"kind": "ringing"})]}, None)) == []
    assert reports == [{"kind": "ringing"}]


def fail(_: Any) -> None:
    raise Boom


@pytest.mark.parametrize(("receives", "low", "high"), [(1, 1, 2), (2, 2, 4), (3, 4, 8), (6, 32, 64), (40, 150, 300)])
def test_what_failed_comes_again_soon_at_first_and_then_later_and_later(
    receives: int, low: int, high: int, pauses: list[tuple[str, int]]
) -> None:
    handler = workers.job_handler({SendMail: fail})
    for number in range(20):
        handler({"Records": [record(SEND.body, number, receives)]}, None)
    seconds = [one for _, one in pauses]
    assert len(seconds) == 20
    assert low <= min(seconds) <= max(seconds) <= high


def test_all_receives_together_outlast_a_store_that_is_away_for_ten_minutes(pauses: list[tuple[str, int]]) -> None:
    handler = workers.job_handler({SendMail: fail})
    for receives in range(1, topology.queue("email").max_receives):
        handler({"Records": [record(SEND.body, receives, receives)]}, None)
    assert sum(seconds for _, seconds in pauses) > 600


def test_a_failed_group_goes_back_whole_and_soon_and_no_other_with_it(pauses: list[tuple[str, int]]) -> None:
    done: list[str] = []

    def work(group: str, bodies: list[dict[str, Any]]) -> None:
        if group == "bad":
            raise Boom
        done.extend(body["n"] for body in bodies)

    records = [record({"n": n}, n, 9, "audit", "bad" if n % 2 else "good") for n in range(6)]
    answer = workers.group_handler(work)({"Records": records}, None)
    assert done == [0, 2, 4]
    assert failed(answer) == ["m1", "m3", "m5"]
    assert pauses == [("h1", 30), ("h3", 30), ("h5", 30)]


def test_together_the_places_that_failed_go_back(pauses: list[tuple[str, int]]) -> None:
    seen: list[SendMail] = []

    def work(jobs: list[SendMail]) -> set[int]:
        seen.extend(jobs)
        return {1}

    records = [record("broken", 0), record(SEND.body, 1), record(SEND.body, 2)]
    answer = workers.batch_handler(SendMail, work)({"Records": records}, None)
    assert seen == [SEND, SEND]
    assert failed(answer) == ["m0", "m2"]
    assert {handle for handle, _ in pauses} == {"h0", "h2"}


def test_together_all_go_back_when_the_work_raises(pauses: list[tuple[str, int]]) -> None:
    answer = workers.batch_handler(SendMail, fail)({"Records": [record(SEND.body, n) for n in range(3)]}, None)
    assert failed(answer) == ["m0", "m1", "m2"]
    assert len(pauses) == 3


def test_a_message_that_cannot_be_put_back_waits_for_its_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise clients.ClientError({"Error": {"Code": "ReceiptHandleIsInvalid", "QueueMessage": ""}}, "x")

    monkeypatch.setattr(clients.get_client("sqs"), "change_message_visibility_batch", refuse)
    assert failed(workers.job_handler({SendMail: fail})({"Records": [record(SEND.body)]}, None)) == ["m1"]


def test_what_is_put_back_comes_again_before_its_time_out() -> None:
    queue.send_messages([SEND.message()])
    sqs, url = clients.get_client("sqs"), settings.queue_url("email")
    (message,) = sqs.receive_message(QueueUrl=url, VisibilityTimeout=900)["Messages"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    queue.delay_retries([(MessageReceipt(url.rpartition("/")[2], message["ReceiptHandle"], 1), 0)])
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1


def test_the_stream_goes_on_from_the_first_record_that_failed() -> None:
    seen: list[Any] = []

    def work(images: Any) -> int:
        seen.extend(images)
        return 1

    def change(number: int, name: str = "INSERT") -> dict[str, Any]:
        image = {"NewImage": {"n": {"N": str(number)}}} if name != "REMOVE" else {}
        return {"eventName": name, "dynamodb": {"SequenceNumber": f"s{number}", **image}}

    answer = workers.stream_handler(work)(
        {"Records": [change(0), change(1, "MODIFY"), change(2, "REMOVE"), change(3)]}, None
    )
    assert failed(answer) == ["s1"]
    assert seen == [{"n": 0}, None, None, {"n": 3}]


def test_jobs_are_frozen_and_every_queue_of_a_job_is_there() -> None:
    with pytest.raises(ValueError, match="frozen"):
        SEND.org_id = "other"  # type: ignore[misc]
    with pytest.raises(TypeError, match="two jobs are called SendMail"):
        type("SendMail", (Job,), {"__module__": "elsewhere"}, queue="email")
    assert set(job_queues()) <= {one.name for one in topology.QUEUES}


def test_a_job_carries_its_organization_as_its_group() -> None:
    assert SEND.message(delay=5) == QueueMessage(queue="email", body=SEND.body, group="org_1", delay=5)
    assert SendMail.read(SEND.body) == SEND
