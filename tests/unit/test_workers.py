"""Workers: each job goes to the function of its kind, and failed jobs come again after the worker's pause."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra import topology
from switchboard import workers
from switchboard.aws import clients, queues
from switchboard.aws.queues import MessageReceipt
from switchboard.calls.jobs import DialCall
from switchboard.carriers.voice.simulator import tool_calls
from switchboard.email.jobs import ConfirmMail, SendMail
from switchboard.kit import settings
from switchboard.kit.jobs import Job, QueueMessage, job_queues

pytestmark = pytest.mark.usefixtures("cloud")

SEND = SendMail(org_id="org_1", message_id="msg_1")


class Boom(Exception):
    pass


def make_record(
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


def list_failed(answer: dict[str, Any]) -> list[str]:
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The receipt handles of returned messages, with the seconds until they come again."""
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
    answer = handler({"Records": [make_record(SEND.body, 1), make_record(confirm.body, 2)]}, None)
    assert (done, list_failed(answer)) == ([SEND, confirm], [])


class Clock:
    """An invocation with a number of milliseconds left."""

    def __init__(self, left: int) -> None:
        self.left = left

    def get_remaining_time_in_millis(self) -> int:
        return self.left


def test_no_job_starts_without_enough_time(pauses: list[tuple[str, int]]) -> None:
    done: list[Job] = []
    context = Clock(25_000)

    def hang(job: Job) -> None:
        done.append(job)
        context.left -= 14_000

    handler = workers.job_handler({SendMail: hang})
    answer = handler({"Records": [make_record(SEND.body, number, receives=6) for number in (1, 2, 3)]}, context)
    assert (len(done), list_failed(answer)) == (1, ["m2", "m3"])
    assert [handle for handle, _ in pauses] == ["h2", "h3"]
    assert all(32 <= seconds <= 64 for _, seconds in pauses), "each receive counts, so the pauses must grow"


@pytest.mark.parametrize(("seconds", "begun"), [(60, 2), (55, 1), (30, 1)])
def test_a_message_of_a_slow_provider_starts_only_with_its_whole_time_left(
    seconds: int, begun: int, pauses: list[tuple[str, int]]
) -> None:
    done: list[dict[str, Any]] = []
    context = Clock(seconds * 1_000)

    def hang(body: dict[str, Any]) -> None:
        done.append(body)
        context.left -= 28_000
        assert context.left > 0, "Lambda would have stopped the function, with all messages of the batch"

    handler = workers.message_handler(hang, longest_seconds=28)
    answer = handler({"Records": [make_record({}, number) for number in (1, 2, 3)]}, context)
    assert (len(done), len(list_failed(answer))) == (begun, 3 - begun)


def test_the_simulator_has_time_for_a_tool_that_hangs() -> None:
    assert topology.function("workers/simulator").seconds > 2 * tool_calls.STEP_SECONDS


def test_a_group_without_enough_time_is_returned_as_a_whole(pauses: list[tuple[str, int]]) -> None:
    done: list[str] = []
    context = Clock(25_000)

    def hang(group: str, _: list[dict[str, Any]]) -> None:
        done.append(group)
        context.left -= 14_000

    records = [make_record({}, number, 3, "audit", group) for number, group in enumerate("abab")]
    answer = workers.group_handler(hang)({"Records": records}, context)
    assert (done, list_failed(answer)) == (["a"], ["m1", "m3"])
    assert pauses == [("h1", 8), ("h3", 8)]


@pytest.mark.parametrize(("batch", "begun"), [(0, 2), (1, 1), (2, 1)])
def test_single_jobs_start_after_the_batch_while_there_is_time(
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
    records = [make_record(confirm.body, number) for number in range(3)]
    records += [make_record(SEND.body, 3 + number) for number in range(batch)]
    handler = workers.batch_handler(SendMail, all_at_once, beside={ConfirmMail: hang})
    answer = handler({"Records": records}, context)
    assert done == ["batch"] * bool(batch) + ["beside"] * begun
    assert list_failed(answer) == [f"m{number}" for number in range(begun, 3)]
    assert {handle for handle, _ in pauses} == {f"h{number}" for number in range(begun, 3)}


def test_a_first_single_job_starts_with_any_time_left() -> None:
    done: list[Job] = []
    confirm = ConfirmMail(org_id="org_1", message_id="msg_1", claim=2)
    handler = workers.batch_handler(SendMail, lambda _: set(), beside={ConfirmMail: done.append})
    assert list_failed(handler({"Records": [make_record(confirm.body)]}, Clock(1_000))) == []
    assert done == [confirm]


def test_the_first_job_starts_with_any_time_left(pauses: list[tuple[str, int]]) -> None:
    done: list[Job] = []
    answer = workers.job_handler({SendMail: done.append})({"Records": [make_record(SEND.body)]}, Clock(1_000))
    assert (done, list_failed(answer), pauses) == ([SEND], [], [])


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
def test_an_unknown_job_fails_alone_with_a_log_line(body: Any, pauses: list[tuple[str, int]]) -> None:
    done: list[Job] = []
    answer = workers.job_handler({SendMail: done.append})(
        {"Records": [make_record(body, 1), make_record(SEND.body, 2)]}, None
    )
    assert (done, list_failed(answer)) == ([SEND], ["m1"])
    assert [handle for handle, _ in pauses] == ["h1"]


def test_a_report_goes_to_the_report_handler() -> None:
    reports: list[Any] = []
    handler = workers.job_handler({SendMail: lambda _: None}, messages=reports.append)
    assert list_failed(handler({"Records": [make_record({"kind": "ringing"})]}, None)) == []
    assert reports == [{"kind": "ringing"}]


def fail(_: Any) -> None:
    raise Boom


@pytest.mark.parametrize(("receives", "low", "high"), [(1, 1, 2), (2, 2, 4), (3, 4, 8), (6, 32, 64), (40, 150, 300)])
def test_failed_jobs_come_again_after_growing_pauses(
    receives: int, low: int, high: int, pauses: list[tuple[str, int]]
) -> None:
    handler = workers.job_handler({SendMail: fail})
    for number in range(20):
        handler({"Records": [make_record(SEND.body, number, receives)]}, None)
    seconds = [one for _, one in pauses]
    assert len(seconds) == 20
    assert low <= min(seconds) <= max(seconds) <= high


def test_all_receives_together_outlast_an_outage_of_ten_minutes(pauses: list[tuple[str, int]]) -> None:
    handler = workers.job_handler({SendMail: fail})
    for receives in range(1, topology.queue("email").max_receives):
        handler({"Records": [make_record(SEND.body, receives, receives)]}, None)
    assert sum(seconds for _, seconds in pauses) > 600


def test_a_failed_group_is_returned_as_a_whole_and_alone(pauses: list[tuple[str, int]]) -> None:
    done: list[str] = []

    def work(group: str, bodies: list[dict[str, Any]]) -> None:
        if group == "bad":
            raise Boom
        done.extend(body["n"] for body in bodies)

    records = [make_record({"n": n}, n, 9, "audit", "bad" if n % 2 else "good") for n in range(6)]
    answer = workers.group_handler(work)({"Records": records}, None)
    assert done == [0, 2, 4]
    assert list_failed(answer) == ["m1", "m3", "m5"]
    assert pauses == [("h1", 30), ("h3", 30), ("h5", 30)]


def test_failed_messages_of_a_batch_are_returned(pauses: list[tuple[str, int]]) -> None:
    seen: list[SendMail] = []

    def work(jobs: list[SendMail]) -> set[int]:
        seen.extend(jobs)
        return {1}

    records = [make_record("broken", 0), make_record(SEND.body, 1), make_record(SEND.body, 2)]
    answer = workers.batch_handler(SendMail, work)({"Records": records}, None)
    assert seen == [SEND, SEND]
    assert list_failed(answer) == ["m0", "m2"]
    assert {handle for handle, _ in pauses} == {"h0", "h2"}


def test_all_messages_of_a_batch_are_returned_if_its_work_raises(pauses: list[tuple[str, int]]) -> None:
    answer = workers.batch_handler(SendMail, fail)({"Records": [make_record(SEND.body, n) for n in range(3)]}, None)
    assert list_failed(answer) == ["m0", "m1", "m2"]
    assert len(pauses) == 3


def test_a_message_that_cannot_be_returned_waits_for_its_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise clients.ClientError({"Error": {"Code": "ReceiptHandleIsInvalid", "QueueMessage": ""}}, "x")

    monkeypatch.setattr(clients.get_client("sqs"), "change_message_visibility_batch", refuse)
    assert list_failed(workers.job_handler({SendMail: fail})({"Records": [make_record(SEND.body)]}, None)) == ["m1"]


def test_a_returned_message_comes_again_before_its_timeout() -> None:
    queues.send_messages([SEND.to_message()])
    sqs, url = clients.get_client("sqs"), settings.queue_url("email")
    (message,) = sqs.receive_message(QueueUrl=url, VisibilityTimeout=900)["Messages"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    queues.delay_retries([(MessageReceipt(url.rpartition("/")[2], message["ReceiptHandle"], 1), 0)])
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1


def test_the_stream_continues_from_the_first_failed_record() -> None:
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
    assert list_failed(answer) == ["s1"]
    assert seen == [{"n": 0}, None, None, {"n": 3}]


def test_jobs_are_frozen_and_their_queues_exist() -> None:
    with pytest.raises(ValueError, match="frozen"):
        SEND.org_id = "other"  # type: ignore[misc]
    with pytest.raises(TypeError, match="two jobs are called SendMail"):
        type("SendMail", (Job,), {"__module__": "elsewhere"}, queue="email")
    missing = sorted(set(job_queues()) - {one.name for one in topology.QUEUES})
    assert not missing, f"add {missing}, the queues of jobs, to QUEUES in infra/topology.py"


def test_a_job_carries_its_organization_as_its_group() -> None:
    assert SEND.to_message(delay=5) == QueueMessage(queue="email", body=SEND.body, group="org_1", delay=5)
    assert SendMail.parse_body(SEND.body) == SEND


@pytest.mark.parametrize(
    "make",
    [
        workers.message_handler,
        lambda work: workers.group_handler(lambda _, bodies: work(bodies[0])),
        lambda work: workers.batch_handler(SendMail, lambda found: work({"jobs": found})),
    ],
)
def test_a_failed_job_is_counted_by_its_function(
    make: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, pauses: list[tuple[str, int]]
) -> None:
    def fail(_: Any) -> set[int]:
        raise Boom

    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "switchboard-test-workers-email")
    make(fail)({"Records": [make_record(SEND.body)]}, None)
    (line,) = (json.loads(one) for one in capsys.readouterr().out.splitlines() if '"JobFailed"' in one)
    assert line["Function"] == "switchboard-test-workers-email"
    assert pauses
