"""`switchboard queue` and `switchboard events`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra import topology
from switchboard.aws import clients, dead_letters
from switchboard.aws.queues import SendError
from switchboard.kit import clock, settings
from tests.actors import tenant
from tests.unit.cli.conftest import Run


def bury_messages(queue: str, *bodies: str, **parts: Any) -> None:
    """Put messages into a queue's dead-letter queue, as SQS does after the last attempt."""
    url = dead_letters._dead_letter_url(settings.queue_url(queue))
    for number, body in enumerate(bodies):
        fifo = {"MessageGroupId": "org_1", "MessageDeduplicationId": f"{body}-{number}"} if "fifo" in url else {}
        clients.get_client("sqs").send_message(QueueUrl=url, MessageBody=body, **fifo, **parts)


def receive_messages(queue: str) -> list[dict[str, Any]]:
    answer = clients.get_client("sqs").receive_message(
        QueueUrl=settings.queue_url(queue),
        MaxNumberOfMessages=10,
        AttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    return list(answer.get("Messages", []))


def test_list_shows_every_queue_with_its_dead_letters(run: Run, cloud: dict[str, str]) -> None:
    clients.get_client("sqs").send_message(QueueUrl=settings.queue_url("email"), MessageBody="{}")
    bury_messages("email", "a", "b")
    rows = {row["queue"]: row for row in run("queue", "list", "--json").json}
    assert set(rows) == {queue.name for queue in topology.QUEUES}
    assert rows["email"] == {"queue": "email", "waiting": 1, "at_work": 0, "delayed": 0, "dead": 2}


def test_redrive_returns_every_dead_letter_unchanged(run: Run, cloud: dict[str, str]) -> None:
    attributes = {"trace": {"StringValue": "t-1", "DataType": "String"}}
    bury_messages("email", *(f"m{number}" for number in range(12)), MessageAttributes=attributes)
    assert run("queue", "redrive", "email", "--json").json == {"queue": "email", "moved": 12, "dead": 0}
    back = [*receive_messages("email"), *receive_messages("email")]
    assert sorted(message["Body"] for message in back) == sorted(f"m{number}" for number in range(12))
    assert {message["MessageAttributes"]["trace"]["StringValue"] for message in back} == {"t-1"}


def test_redrive_moves_at_most_the_given_number(run: Run, cloud: dict[str, str]) -> None:
    bury_messages("email", "a", "b", "c")
    assert run("queue", "redrive", "email", "--max", "2", "--json").json == {"queue": "email", "moved": 2, "dead": 1}


def test_a_fifo_letter_keeps_its_group_and_is_not_taken_as_a_duplicate(run: Run, cloud: dict[str, str]) -> None:
    url = settings.queue_url("audit")
    first = {"MessageGroupId": "org_1", "MessageDeduplicationId": "m-0"}
    clients.get_client("sqs").send_message(QueueUrl=url, MessageBody="m", **first)
    (message,) = receive_messages("audit")
    clients.get_client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    bury_messages("audit", "m")
    assert run("queue", "redrive", "audit", "--json").json["moved"] == 1
    (back,) = receive_messages("audit")
    assert (back["Body"], back["Attributes"]["MessageGroupId"]) == ("m", "org_1")


class RefusingSqs:
    """SQS that refuses every second message of a batch."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        answer: dict[str, Any] = self._real.send_message_batch(QueueUrl=QueueUrl, Entries=Entries[::2])
        return answer | {"Failed": [{"Id": entry["Id"]} for entry in Entries[1::2]]}


def test_a_message_that_sqs_refuses_stays_a_dead_letter(
    run: Run, cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bury_messages("email", "a", "b", "c")
    refusing = RefusingSqs(clients.get_client("sqs"))
    with monkeypatch.context() as patch:
        patch.setattr(clients, "get_client", lambda _: refusing)
        answer = run("queue", "redrive", "email")
    assert (answer.code, answer.out) == (1, "")
    assert (
        answer.err
        == "switchboard: 1 messages were not accepted: run the command again, sending a message twice is harmless\n"
    )
    assert dead_letters.count_messages("email").dead == 1
    assert len(receive_messages("email")) == 2


def test_a_stop_between_send_and_delete_loses_nothing(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    bury_messages("email", "a")
    sqs = clients.get_client("sqs")

    def stop(**_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sqs, "delete_message_batch", stop)
        with pytest.raises(KeyboardInterrupt):
            dead_letters.redrive_dead_letters("email")
    assert dead_letters.count_messages("email") == (1, 0, 0, 1)


def test_an_unknown_queue_is_answered_with_the_list_of_queues(run: Run, cloud: dict[str, str]) -> None:
    answer = run("queue", "redrive", "nothing")
    known = ", ".join(sorted(queue.name for queue in topology.QUEUES))
    assert (answer.code, answer.err) == (
        1,
        f"switchboard: There is no queue 'nothing': use one of {known}.\n",
    )
    assert run("queue", "redrive", "email", "--max", "0").code == 2


def test_replay_sends_the_events_of_a_range_again(run: Run, cloud: dict[str, str], frozen: clock.FrozenClock) -> None:
    acme = tenant("acme")
    tenant("other")
    frozen.advance(hours=2)
    late = tenant("late")
    early = ("events", "replay", "--from", "2026-01-15T16:59:00Z", "--to", "2026-01-15T18:00:00+00:00", "--json")
    # One message for each organization's audit. Webhooks get the creation of the agent as well.
    assert run(*early).json == {"events": 8, "jobs": 4}
    assert run(*early, "--org", late.org_id).json == {"events": 0, "jobs": 0}
    assert run(*early, "--org", acme.org_id).json == {"events": 4, "jobs": 2}
    bodies = [event for message in receive_messages("audit") for event in json.loads(message["Body"])["events"]]
    assert bodies
    assert late.org_id not in {body["org_id"] for body in bodies}


@pytest.mark.usefixtures("frozen")
def test_a_replay_that_sqs_refuses_says_so(run: Run, cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    tenant()

    def refuse_jobs(jobs: Any) -> None:
        raise SendError(list(jobs))

    monkeypatch.setattr("switchboard.aws.queues.send_messages", refuse_jobs)
    answer = run("events", "replay", "--from", "2026-01-15T17:00Z", "--to", "2026-01-15T18:00Z")
    assert (answer.code, answer.out) == (1, "")
    assert "were not accepted" in answer.err


def test_a_long_replay_prints_its_progress(
    run: Run, cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant("acme")
    monkeypatch.setattr("switchboard.cli.events._BATCH", 2)
    monkeypatch.setattr("switchboard.cli.events._EVENTS_TOLD", 3)
    # Two months without an event print progress, too.
    answer = run("events", "replay", "--from", "2026-01-15T00:00Z", "--to", "2026-03-17T00:00Z", "--json")
    assert answer.json["events"] == 4
    assert answer.err.splitlines() == [
        "4 events and 3 jobs up to 2026-01-15T17:00:00.000Z",
        "4 events and 3 jobs up to 2026-02-14T00:00:00.000Z",
        "4 events and 3 jobs up to 2026-03-16T00:00:00.000Z",
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("--from", "2026-01-01T00:00Z"),
        ("--from", "2026-01-01T00:00Z", "--to", "yesterday"),
        ("--from", "2026-01-01T00:00Z", "--to", "2026-01-01T00:00Z"),
    ],
)
def test_a_replay_needs_a_range(run: Run, cloud: dict[str, str], words: tuple[str, ...]) -> None:
    assert run("events", "replay", *words).code == 2
