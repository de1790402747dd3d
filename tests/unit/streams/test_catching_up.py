"""Answers that end: what a client without a live stream gets, one after another, without a gap."""

from __future__ import annotations

import random

import pytest

from switchboard.accounts.plans import PlanName
from switchboard.dialects.anima import stream
from switchboard.streams import service
from switchboard.streams.models import Selection, StreamStart, StreamSubscription
from tests.actors import Tenant, tenant
from tests.unit.streams.conftest import CallSource, EventSource, SessionGuard, blocks, happen


@pytest.fixture
def full(cloud: dict[str, str]) -> Tenant:
    """An organization that has no live stream left."""
    return tenant("full", PlanName.SCALE, open_streams=0)


def poll(client: EventSource, who: Tenant, *, master: bool = True, channel: str | None = None) -> str:
    """Connect once, as a browser does, to where every live stream is taken."""
    opened = stream.watch_events(
        who.caller(master=master),
        SessionGuard(),
        channel=channel,
        agent_id=None,
        last_seen=int(client.last_event_id) if client.last_event_id else None,
        address="203.0.113.7",
    )
    assert not opened.is_live
    text = service.render_missed_entries(opened)
    client.connection(text.encode())
    return text


def order(client: EventSource) -> list[str]:
    return [message["detail"] for message in client.messages]


def test_across_many_short_answers_nothing_is_lost_and_nothing_comes_twice(
    full: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_MAX_ENTRIES", 20)
    chance = random.Random(7)
    client, everything = EventSource(), EventSource()
    happen(full, 5)
    poll(client, full)
    assert (client.messages, client.last_event_id) == ([], "5"), "it begins at the end, and knows where that is"
    for _ in range(12):
        happen(full, chance.randint(0, 35))
        for _ in range(chance.randint(0, 3)):
            poll(client, full)
    while poll(client, full).count("data:"):
        pass
    everything.last_event_id = "5"
    while poll(everything, full).count("data:"):
        pass
    assert len(client.messages) > 50
    assert order(client) == order(everything)
    assert int(client.last_event_id) == 5 + len(client.messages)


def test_what_a_filter_passes_over_moves_the_clients_place(full: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_MAX_ENTRIES", 10)
    client = EventSource()
    poll(client, full, channel="voice")
    happen(full, 25)
    happen(full, 1, voice=True)
    places = []
    for _ in range(4):
        poll(client, full, channel="voice")
        places.append(client.last_event_id)
    assert places == ["10", "20", "26", "26"]
    assert [message["channel"] for message in client.messages] == ["voice"]


def test_the_answer_says_when_to_come_again_sooner_if_there_is_more(
    full: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_MAX_ENTRIES", 10)
    client = EventSource()
    poll(client, full)
    waits = set()
    for _ in range(20):
        poll(client, full)
        assert 4_000 <= client.reconnection_time <= 8_000
        waits.add(client.reconnection_time)
    assert len(waits) > 10, "clients that were turned away together do not come again together"
    happen(full, 15)
    poll(client, full)
    assert 500 <= client.reconnection_time <= 1_500
    poll(client, full)
    assert client.reconnection_time >= 4_000


def test_copies_of_one_snapshot_do_not_come_again_together(full: Tenant) -> None:
    def drawn() -> list[int]:
        random.seed(1815)
        client = EventSource()
        found = []
        for _ in range(5):
            poll(client, full)
            found.append(client.reconnection_time)
        return found

    assert drawn() != drawn()


def test_an_answer_is_bounded_in_bytes(full: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_MAX_BYTES", 1_000)
    client = EventSource()
    poll(client, full)
    happen(full, 40)
    text = poll(client, full)
    assert 1_000 <= len(text) < 2_000
    assert client.reconnection_time <= 1_500
    while poll(client, full).count("data:"):
        pass
    assert len(client.messages) == 40


def test_an_agent_key_is_shown_its_own_agents_events_only(full: Tenant) -> None:
    client = EventSource()
    poll(client, full, master=False)
    happen(full, 2)
    happen(full, 3, agent_id="agt_other")
    poll(client, full, master=False)
    assert {message["agentId"] for message in client.messages} == {full.agent_id}
    assert (len(client.messages), client.last_event_id) == (2, "5")


def test_a_source_that_has_ended_ends_the_last_answer() -> None:
    call = CallSource()
    for place in range(3):
        call.say("caller", f"turn {place}")
    call.hang_up()
    opened = StreamSubscription(
        "str_1", "org_1", call, SessionGuard(), Selection(), StreamStart(after=3, head=9, resumed=True), full="full"
    )
    shown = blocks(service.render_missed_entries(opened))
    assert [block["data"]["type"] for block in shown if "data" in block] == [
        "transcript.final",
        "transcript.final",
        "call.ended",
    ]
    assert shown[-1]["id"] == 10
