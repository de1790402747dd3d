"""The outbox: a batch is forwarded in few requests, in order within a workflow, and no item blocks it for ever."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from switchboard.aws import clients, queues, reads
from switchboard.aws.dynamodb import Item
from switchboard.email.jobs import SendMail
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.fanout import service as fanout
from switchboard.kit import clock, ids, settings
from switchboard.kit.jobs import QueueMessage
from switchboard.timers import service as timers
from tests.actors import tenant
from tests.integration.sabotage import Sabotage, drain_queue
from tests.unit.calls.live_calls import place_call

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def stream_item(type_: str = "email.sent", org: str = "org_1", workflow: str = "corr_1") -> Item:
    """An event's item in the stream."""
    work = SystemActor(org_id=org, actor=Actor(type="system", id="test"), agent_id=None, correlation_id=workflow)
    subject = Subject(type="message", id=ids.new_id("msg"))
    return dict(events.event_write(events.new_event(work, type_, subject, kind="mail", recipients=[])).item)


def later(seconds: int = 0) -> Item:
    moment = clock.now()
    due = moment.fromtimestamp(moment.timestamp() + seconds, moment.tzinfo)
    return dict(timers.schedule(SendMail(org_id="org_1", message_id=ids.new_id("msg")), due).write.item)


class Taken:
    """A test's SQS: it accepts messages, or refuses those that a rule selects."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests: list[tuple[str, list[dict[str, Any]]]] = []
        self.refused: set[str] = set()
        self.down: set[str] = set()
        monkeypatch.setattr(clients.get_client("sqs"), "send_message_batch", self._send)

    def _send(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 botocore's names
        name = QueueUrl.rpartition("/")[2].removeprefix("switchboard-local-")
        if name in self.down:
            raise clients.ClientError({"Error": {"Code": "InternalError", "QueueMessage": "no"}}, "SendMessageBatch")
        self.requests.append((name, Entries))
        failed = [entry for entry in Entries if any(text in entry["MessageBody"] for text in self.refused)]
        return {"Successful": [], "Failed": [{"Id": entry["Id"], "Code": "no"} for entry in failed]}

    def bodies(self, name: str) -> list[dict[str, Any]]:
        return [
            json.loads(entry["MessageBody"]) for queue_, entries in self.requests if queue_ == name for entry in entries
        ]


@pytest.fixture
def sqs(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Taken:
    return Taken(monkeypatch)


def test_a_batch_is_sent_ten_per_request_with_each_organizations_events_together(sqs: Taken) -> None:
    images = [stream_item("email.queued", f"org_{number % 5}", f"corr_{number % 40}") for number in range(100)]
    assert fanout.forward_items(images) is None
    by_queue = {name: [len(entries) for queue_, entries in sqs.requests if queue_ == name] for name, _ in sqs.requests}
    assert by_queue == {"email": [10] * 10, "audit.fifo": [5]}
    seen = [one["id"] for body in sqs.bodies("audit.fifo") for one in body["events"]]
    assert sorted(seen) == sorted(image["id"] for image in images)


def test_a_batch_is_retried_from_its_first_refused_record(
    sqs: Taken,
) -> None:
    images = [stream_item("email.queued", workflow=f"corr_{number}") for number in range(30)]
    sqs.refused = {images[17]["subject"]["id"]}
    # The audit's message holds all of them and is refused as a whole: it begins with the first.
    assert fanout.forward_items(images) == 0
    sqs.requests.clear()
    jobs = [later() for _ in range(30)]
    sqs.refused = {jobs[17]["body"]["message_id"], jobs[23]["body"]["message_id"]}
    assert fanout.forward_items(jobs) == 17


def test_a_new_call_is_dialed_now_and_closed_15_minutes_after_its_event(sqs: Taken, frozen: clock.FrozenClock) -> None:
    call = place_call(tenant())
    after = clock.format_iso(clock.now() + timedelta(seconds=1))
    created = [one for one in events.events_between(call.created_at, after) if one.type == "voice.call.created"]

    def delays() -> dict[str, int]:
        sent = [entry for name, entries in sqs.requests if name == "dialer" for entry in entries]
        sqs.requests.clear()
        jobs = [(json.loads(entry["MessageBody"]), entry.get("DelaySeconds", 0)) for entry in sent]
        assert {job["call_id"] for job, _ in jobs} == {call.id}
        return {job["job"]: delay for job, delay in jobs}

    fanout.replay_events(created)
    assert delays() == {"DialCall": 0, "CloseCall": 900}
    frozen.advance(minutes=10, milliseconds=500)
    fanout.replay_events(created)
    assert delays() == {"DialCall": 0, "CloseCall": 300}, "rounded up: it is never early"
    frozen.advance(hours=1)
    fanout.replay_events(created)
    assert delays() == {"DialCall": 0, "CloseCall": 0}


@pytest.mark.parametrize("down", ["email", "audit.fifo"])
def test_a_queue_that_is_down_does_not_block_the_others(sqs: Taken, down: str) -> None:
    images = [stream_item("email.queued"), later(), stream_item("email.sent")]
    sqs.down = {down}
    assert fanout.forward_items(images) == 0
    assert {name for name, _ in sqs.requests} == {"email", "audit.fifo", "webhooks"} - {down}
    sqs.down = set()
    assert fanout.forward_items(images) is None


def test_no_event_overtakes_a_refused_one_of_its_organization(sqs: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout, "_MAX_AUDIT_BODY_BYTES", 900)
    images = [stream_item() for _ in range(6)] + [stream_item(org="org_2")]
    sqs.refused = {images[2]["id"]}
    first = fanout.forward_items(images)
    sent = [one["id"] for body in sqs.bodies("audit.fifo") for one in body["events"] if one["org_id"] == "org_1"]
    refused = sent.index(images[2]["id"])
    assert first is not None
    assert first <= 2
    assert images[5]["id"] not in sent, "it would overtake the refused event"
    assert len(sent) <= refused + 2
    assert any(one["org_id"] == "org_2" for body in sqs.bodies("audit.fifo") for one in body["events"])


@pytest.mark.parametrize(
    "image",
    [
        {"outbox": "event", "pk": "p", "sk": "s"},
        {"outbox": "job", "pk": "p", "sk": "s", "queue": 7},
        {"outbox": "job", "pk": "p", "sk": "s", "id": "t", "org_id": "o", "due": "x", "queue": "email", "body": {}},
        {"outbox": "nobody knows", "pk": "p", "sk": "s"},
        {"pk": "p", "sk": "s"},
        None,
    ],
)
def test_an_unreadable_item_does_not_block_the_others(sqs: Taken, image: Item | None) -> None:
    good = later()
    assert fanout.forward_items([image, good]) is None
    assert [body["message_id"] for body in sqs.bodies("email")] == [good["body"]["message_id"]]


def test_a_job_of_the_outbox_arrives_on_its_second_and_never_early(sqs: Taken, frozen: clock.FrozenClock) -> None:
    image = later(100)
    frozen.advance(milliseconds=30_400)
    fanout.forward_items([image])
    frozen.advance(seconds=300)
    fanout.forward_items([image])
    assert [entry.get("DelaySeconds", 0) for _, entries in sqs.requests for entry in entries] == [70, 0]


def test_a_job_for_an_unknown_queue_is_refused_and_the_others_are_sent(sqs: Taken) -> None:
    lost = dict(
        timers.schedule(SendMail(org_id="o", message_id="m"), clock.now(), queue_name="no-such-queue").write.item
    )
    assert fanout.forward_items([later(), lost, later()]) == 1
    assert len(sqs.bodies("email")) == 2


def test_a_second_run_sends_the_same_jobs(sqs: Taken) -> None:
    images = [stream_item("email.queued"), stream_item("email.sent"), later()]
    fanout.forward_items(images)
    first = [
        (name, entry["MessageBody"], entry.get("MessageDeduplicationId"))
        for name, found in sqs.requests
        for entry in found
    ]
    sqs.requests.clear()
    fanout.forward_items(images)
    again = [
        (name, entry["MessageBody"], entry.get("MessageDeduplicationId"))
        for name, found in sqs.requests
        for entry in found
    ]
    assert again == first


def test_large_batches_are_split_into_several_requests(sqs: Taken) -> None:
    messages = [QueueMessage(queue="email", body={"text": "x" * 100_000, "n": n}, group="g") for n in range(5)]
    assert queues.try_send_messages(messages) == set()
    assert [len(entries) for _, entries in sqs.requests] == [2, 2, 1]


def test_text_that_sqs_refuses_arrives_unchanged(cloud: dict[str, str]) -> None:
    queues.send_messages(
        [QueueMessage(queue="email", body={"text": "\ufffe\uffff\x00\x0b é 漢 \U0001f600"}, group="g")]
    )
    assert drain_queue("email") == [{"text": "\ufffe\uffff\x00\x0b é 漢 \U0001f600"}]


def test_a_replay_sends_the_same_messages(sqs: Taken) -> None:
    images = [stream_item("email.queued", f"org_{n % 2}") for n in range(4)]
    fanout.forward_items(images)
    first = sorted(entry["MessageBody"] for _, found in sqs.requests for entry in found)
    sqs.requests.clear()
    assert fanout.replay_events([events.parse_event(image) for image in images]) == 6
    assert sorted(entry["MessageBody"] for _, found in sqs.requests for entry in found) == first


def test_forwarding_a_batch_reads_and_writes_no_table(cloud: dict[str, str]) -> None:
    saboteur = Sabotage()
    with saboteur.counting() as calls:
        fanout.forward_items([stream_item("email.queued"), later()])
    assert set(calls) == {"SendMessageBatch"}
    assert settings.queue_url("audit").endswith(".fifo")
    assert reads.get_item("activity", {"pk": "p", "sk": "s"}) is None
