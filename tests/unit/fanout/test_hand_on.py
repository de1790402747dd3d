"""The outbox: a batch goes out in few requests, in order within a workflow, and nothing holds it up for ever."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.aws import clients, queues, reads
from switchboard.aws.attributes import Item
from switchboard.email.jobs import SendMail
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.fanout import service as fanout
from switchboard.kit import clock, ids, settings
from switchboard.kit.jobs import QueueMessage
from switchboard.timers import service as timers
from tests.integration.sabotage import Sabotage, drain

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def event(type_: str = "email.sent", org: str = "org_1", workflow: str = "corr_1") -> Item:
    """An event's item, as the stream shows it."""
    work = SystemActor(org_id=org, actor=Actor(type="system", id="test"), agent_id=None, correlation_id=workflow)
    subject = Subject(type="message", id=ids.new_id("msg"))
    return dict(events.event_write(events.new_event(work, type_, subject, kind="mail", recipients=[])).item)


def later(seconds: int = 0) -> Item:
    moment = clock.now()
    due = moment.fromtimestamp(moment.timestamp() + seconds, moment.tzinfo)
    return dict(timers.schedule(SendMail(org_id="org_1", message_id=ids.new_id("msg")), due).write.item)


class Taken:
    """SQS as a test wants it: takes messages, or refuses those that a rule picks."""

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
def taken(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Taken:
    return Taken(monkeypatch)


def test_a_batch_goes_out_ten_a_request_and_an_organizations_events_together(taken: Taken) -> None:
    images = [event("email.queued", f"org_{number % 5}", f"corr_{number % 40}") for number in range(100)]
    assert fanout.forward_items(images) is None
    by_queue = {
        name: [len(entries) for queue_, entries in taken.requests if queue_ == name] for name, _ in taken.requests
    }
    assert by_queue == {"email": [10] * 10, "audit.fifo": [5]}
    seen = [one["id"] for body in taken.bodies("audit.fifo") for one in body["events"]]
    assert sorted(seen) == sorted(image["id"] for image in images)


def test_what_is_not_taken_is_known_by_its_record_and_only_from_there_on_is_the_batch_brought_again(
    taken: Taken,
) -> None:
    images = [event("email.queued", workflow=f"corr_{number}") for number in range(30)]
    taken.refused = {images[17]["subject"]["id"]}
    # The audit's message holds all of them, and is refused with it: it began with the first.
    assert fanout.forward_items(images) == 0
    taken.requests.clear()
    jobs = [later() for _ in range(30)]
    taken.refused = {jobs[17]["body"]["message_id"], jobs[23]["body"]["message_id"]}
    assert fanout.forward_items(jobs) == 17


@pytest.mark.parametrize("down", ["email", "audit.fifo"])
def test_a_queue_that_is_down_keeps_the_others_from_nothing(taken: Taken, down: str) -> None:
    images = [event("email.queued"), later(), event("email.sent")]
    taken.down = {down}
    assert fanout.forward_items(images) == 0
    assert {name for name, _ in taken.requests} == {"email", "audit.fifo", "webhooks"} - {down}
    taken.down = set()
    assert fanout.forward_items(images) is None


def test_within_an_organization_no_event_overtakes_one_that_was_not_taken(
    taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "_MAX_AUDIT_BODY_BYTES", 900)
    images = [event() for _ in range(6)] + [event(org="org_2")]
    taken.refused = {images[2]["id"]}
    first = fanout.forward_items(images)
    sent = [one["id"] for body in taken.bodies("audit.fifo") for one in body["events"] if one["org_id"] == "org_1"]
    refused = sent.index(images[2]["id"])
    assert first is not None
    assert first <= 2
    assert images[5]["id"] not in sent, "it would stand before the one that was refused"
    assert len(sent) <= refused + 2
    assert any(one["org_id"] == "org_2" for body in taken.bodies("audit.fifo") for one in body["events"])


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
def test_an_item_that_cannot_be_read_holds_up_nothing(taken: Taken, image: Item | None) -> None:
    good = later()
    assert fanout.forward_items([image, good]) is None
    assert [body["message_id"] for body in taken.bodies("email")] == [good["body"]["message_id"]]


def test_a_job_of_the_outbox_comes_to_the_second_and_never_early(taken: Taken, frozen: clock.FrozenClock) -> None:
    image = later(100)
    frozen.advance(milliseconds=30_400)
    fanout.forward_items([image])
    frozen.advance(seconds=300)
    fanout.forward_items([image])
    assert [entry.get("DelaySeconds", 0) for _, entries in taken.requests for entry in entries] == [70, 0]


def test_a_job_for_a_queue_that_is_not_there_is_refused_and_the_others_are_sent(taken: Taken) -> None:
    lost = dict(
        timers.schedule(SendMail(org_id="o", message_id="m"), clock.now(), queue_name="no-such-queue").write.item
    )
    assert fanout.forward_items([later(), lost, later()]) == 1
    assert len(taken.bodies("email")) == 2


def test_a_second_run_sends_the_same_jobs(taken: Taken) -> None:
    images = [event("email.queued"), event("email.sent"), later()]
    fanout.forward_items(images)
    first = [
        (name, entry["MessageBody"], entry.get("MessageDeduplicationId"))
        for name, found in taken.requests
        for entry in found
    ]
    taken.requests.clear()
    fanout.forward_items(images)
    again = [
        (name, entry["MessageBody"], entry.get("MessageDeduplicationId"))
        for name, found in taken.requests
        for entry in found
    ]
    assert again == first


def test_messages_beyond_what_one_request_may_hold_go_in_several(taken: Taken) -> None:
    messages = [QueueMessage(queue="email", body={"text": "x" * 100_000, "n": n}, group="g") for n in range(5)]
    assert queues.try_send_messages(messages) == set()
    assert [len(entries) for _, entries in taken.requests] == [2, 2, 1]


def test_text_that_sqs_refuses_arrives_as_it_was(cloud: dict[str, str]) -> None:
    queues.send_messages(
        [QueueMessage(queue="email", body={"text": "\ufffe\uffff\x00\x0b é 漢 \U0001f600"}, group="g")]
    )
    assert drain("email") == [{"text": "\ufffe\uffff\x00\x0b é 漢 \U0001f600"}]


def test_a_replay_asks_for_what_the_first_run_asked_for(taken: Taken) -> None:
    images = [event("email.queued", f"org_{n % 2}") for n in range(4)]
    fanout.forward_items(images)
    first = sorted(entry["MessageBody"] for _, found in taken.requests for entry in found)
    taken.requests.clear()
    assert fanout.replay_events([events.parse_event(image) for image in images]) == 6
    assert sorted(entry["MessageBody"] for _, found in taken.requests for entry in found) == first


def test_nothing_is_read_or_written_to_hand_a_batch_on(cloud: dict[str, str]) -> None:
    saboteur = Sabotage()
    with saboteur.counting() as calls:
        fanout.forward_items([event("email.queued"), later()])
    assert set(calls) == {"SendMessageBatch"}
    assert settings.queue_url("audit").endswith(".fifo")
    assert reads.get_item("activity", {"pk": "p", "sk": "s"}) is None
