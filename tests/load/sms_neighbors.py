"""Single replies of an organization, alone and beside ten large campaigns of another one.

The real workers run on the virtual clock of `tests.unit.campaigns.virtual`, with what they share: one shard of the
stream with its fan-out (`workers/fanout`), and the concurrency of each worker in the topology. All organizations are in
one shard, which is the worst place for a reply. Each text of a campaign is reported as delivered, which tells events
too.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch
from zlib import crc32

from infra import topology
from switchboard.aws import queues
from switchboard.aws.dynamodb import decode_item
from switchboard.aws.writes import commit
from switchboard.campaigns import changes, counts
from switchboard.carriers.messages.ports.messenger import AcceptedText, OutgoingText
from switchboard.carriers.messages.ports.reports import TextReport
from switchboard.fanout import service as fanout
from switchboard.kit import clock
from switchboard.kit.jobs import Job, QueueMessage
from switchboard.messaging import acceptance, reports, sending
from switchboard.messaging import store as messages
from switchboard.messaging.drafts import TextDraft
from switchboard.messaging.jobs import SendText
from tests.load import report
from tests.memory_cloud import Change, Item
from tests.unit.campaigns.desk import make_campaign
from tests.unit.campaigns.virtual import (
    CAMPAIGN_WORK,
    Mishaps,
    World,
    add_recipients,
    contact_of,
    open_office,
    open_world_of,
)
from tests.unit.messaging.desk import make_conversation

CAMPAIGNS, THROTTLE, SECONDS = 10, 600, 40
#: The time between two replies, and the conversations that they are in.
_EVERY, _TALKS = 0.2, 20
#: The most that the campaigns may delay a reply.
TARGET_MS = 250
#: How long a stream's reader waits before it looks for records, at most.
_LOOK = 0.25
#: The processor time of the fan-out for a record (`--only fanout` measures it), and the time until Lambda begins.
_RECORD_SECONDS, _START_SECONDS = 0.002, 0.01
#: The greatest difference between two clocks. A job is never early, so a difference may cost it a second.
_CLOCKS = 0.02
_BY_NAME = {worker.name: worker for worker in topology.WORKERS}
_FANOUT = _BY_NAME["workers/fanout"]
_CONCURRENCY = {worker.queue: worker.concurrency or 1 for worker in topology.WORKERS if worker.queue}


class ForwardRecords(Job, queue="campaigns"):
    """A lane of the fan-out looks at its records."""

    lane: int


class ApplyDelivery(Job, queue="text-reports"):
    """The carrier reports the end of a text."""

    org_id: str
    conversation_id: str
    message_id: str


@dataclass
class SharedWorld(World):
    """A world whose workers share the stream, its fan-out and their concurrency."""

    #: For each lane of the fan-out: its records with the time of their commit, oldest first.
    lanes: list[deque[tuple[float, Item]]] = field(default_factory=lambda: [deque() for _ in range(_FANOUT.parallel)])
    busy: list[bool] = field(default_factory=lambda: [False] * _FANOUT.parallel)
    #: For each queue, when its running workers end.
    ends: dict[str, list[float]] = field(default_factory=dict)
    #: The records that the fan-out forwarded.
    forwarded: int = 0

    def __post_init__(self) -> None:
        self.work = {
            **CAMPAIGN_WORK,
            "SendText": (SendText, sending.send_queued_text),
            "ForwardRecords": (ForwardRecords, self._forward),
            "ApplyDelivery": (ApplyDelivery, _apply_delivery),
        }

    def committed(self, made: Sequence[Change]) -> None:
        """Adds the new items of the outbox to the stream."""
        for name, before, after in made:
            if name == "activity" and after and not before and "outbox" in after:
                # As Lambda does it, a partition key belongs to one lane.
                lane = crc32(after["pk"]["S"].encode()) % _FANOUT.parallel
                self.lanes[lane].append((self.now, after))
                self._look(lane, self.now + self.random.uniform(0, _LOOK))

    def _look(self, lane: int, at: float) -> None:
        if not self.busy[lane]:
            self.busy[lane] = True
            self._put(ForwardRecords(lane=lane).body, at + _START_SECONDS)

    def _forward(self, job: ForwardRecords) -> None:
        lane = self.lanes[job.lane]
        # A worker's commit may lie a little ahead of this lane's clock.
        ready = [one for one in lane if one[0] <= self.now][: _FANOUT.batch]
        for one in ready:
            lane.remove(one)
        if ready:
            self.source.at += _RECORD_SECONDS * len(ready)
            assert fanout.forward_items([decode_item(image) for _, image in ready]) is None
            self.forwarded += len(ready)
        self.busy[job.lane] = False
        if lane:
            self._look(job.lane, max(self.now, min(at for at, _ in lane)))

    def _receive(self, body: dict[str, Any], receives: int, at: float) -> None:
        """Waits until a worker is free."""
        queue = "" if body["job"] == "ForwardRecords" else self.work[body["job"]][0].queue
        ends = self.ends.setdefault(queue, [])
        while ends and ends[0] <= at:
            heapq.heappop(ends)
        if queue and len(ends) >= _CONCURRENCY[queue]:
            self._put(body, ends[0], receives)
            return
        super()._receive(body, receives, at)
        heapq.heappush(ends, self.now)

    def try_send(self, sent: Sequence[QueueMessage]) -> set[int]:
        """Takes the messages of the fan-out: ten in a request, the requests side by side."""
        self.send(sent)
        return set()

    def send_text(self, text: OutgoingText) -> AcceptedText:
        taken = super().send_text(text)
        if text.campaign:
            ended = ApplyDelivery(org_id=text.org_id, conversation_id=text.conversation_id, message_id=text.message_id)
            self._put(ended.body, self.now + self.random.uniform(1, 4))
        return taken


def _apply_delivery(job: ApplyDelivery) -> None:
    told = TextReport(
        **job.model_dump(),
        provider_sid=f"SM{job.message_id}",
        status="delivered",
        reported_at=clock.now_iso(),
    )
    reports.apply_report(told, counts.status_writes)


def measure() -> None:
    """Print the time from the acceptance of a reply to its hand-over, with and without the campaigns."""
    alone, beside = run_replies(0), run_replies(CAMPAIGNS)
    rows = [
        (
            name,
            len(one.waits),
            one.others,
            one.records,
            *(f"{_percentile(one.waits, part):,.0f} ms" for part in (50, 99)),
        )
        for name, one in (("alone", alone), (f"beside {CAMPAIGNS} campaigns", beside))
    ]
    difference = _percentile(beside.waits, 99) - _percentile(alone.waits, 99)
    report.table(
        f"Single replies of an organization, from acceptance to hand-over, alone and beside {CAMPAIGNS} campaigns of"
        f" another one at {THROTTLE} a minute each,\non a virtual clock, with the workers' concurrency and one shard"
        f" of the stream",
        ("", "replies", "texts of campaigns", "records of the stream", "p50", "p99"),
        rows,
    )
    report.at_most("campaigns beside another organization's reply: p99 longer by", difference, "ms", TARGET_MS)
    assert len(alone.waits) == len(beside.waits), "a reply was lost"


@dataclass(frozen=True)
class Replies:
    """The replies of a run: how long each waited, in milliseconds, and what went on beside them."""

    waits: list[float]
    others: int
    records: int


def run_replies(campaigns: int, seconds: float = SECONDS) -> Replies:
    """Sends replies of an organization beside a number of campaigns of another one."""
    with _open_shared_world() as world:
        busy, quiet = open_office("busy", e164="+12125550190"), open_office("quiet", e164="+12125550191")
        made = [make_campaign(busy.who, busy.number, throttle_per_minute=THROTTLE) for _ in range(campaigns)]
        for campaign in made:
            add_recipients(campaign, int(THROTTLE * (seconds + 30) / 60))
            changes.launch_campaign(busy.who, campaign.id)
        talks = [
            make_conversation(quiet.org_id, contact_of(500_000 + place), quiet.number.id, simulated=True)
            for place in range(_TALKS)
        ]
        for talk in talks:
            commit(messages.CONVERSATIONS.create_write(talk))
        # The campaigns start at the next full minute, and need some seconds to be even.
        world.run(60 - world.now % 60 + 10)
        accepted: dict[str, float] = {}
        for place in range(int(seconds / _EVERY)):
            began = world.now
            with world.working():
                sent = acceptance.send_text(quiet.who, talks[place % _TALKS].id, TextDraft(body="Hello."), None).message
            assert sent
            accepted[sent.id] = world.now
            world.run(max(0.0, began + _EVERY - world.now))
        world.run(20)
        handed = {one.message_id: one.begun for one in world.carried if one.org_id == quiet.org_id}
        return Replies(
            waits=sorted((handed[id_] - at) * 1_000 for id_, at in accepted.items()),
            others=len(world.carried) - len(handed),
            records=world.forwarded,
        )


@contextmanager
def _open_shared_world() -> Iterator[SharedWorld]:
    with (
        open_world_of(SharedWorld, 1, Mishaps(clocks=_CLOCKS)) as world,
        patch.object(queues, "try_send_messages", world.try_send),
    ):
        yield world


def _percentile(sorted_waits: Sequence[float], part: int) -> float:
    return sorted_waits[min(len(sorted_waits) - 1, len(sorted_waits) * part // 100)]
