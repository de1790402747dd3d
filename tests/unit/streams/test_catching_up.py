"""Short responses for a client without a live stream: one after another, without a gap."""

from __future__ import annotations

import random

import pytest

from switchboard.accounts.plans import PlanName
from switchboard.dialects.anima import stream
from switchboard.streams import service
from switchboard.streams.models import Selection, StreamStart, StreamSubscription
from tests.actors import Tenant, tenant
from tests.unit.streams.conftest import CallSource, EventSource, SessionGuard, parse_blocks, record_events


@pytest.fixture
def organization_without_streams(cloud: dict[str, str]) -> Tenant:
    """An organization that has no live stream left."""
    return tenant("full", PlanName.SCALE, open_streams=0)


def poll_events(client: EventSource, who: Tenant, *, master: bool = True, channel: str | None = None) -> str:
    """Connect once, as a browser does, while every live stream is taken."""
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


def list_order(client: EventSource) -> list[str]:
    return [message["detail"] for message in client.messages]


def test_many_short_responses_lose_and_repeat_nothing(
    organization_without_streams: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_MAX_ENTRIES", 20)
    chance = random.Random(7)
    client, everything = EventSource(), EventSource()
    record_events(organization_without_streams, 5)
    poll_events(client, organization_without_streams)
    assert (client.messages, client.last_event_id) == ([], "5"), "it begins at the end, and knows that position"
    for _ in range(12):
        record_events(organization_without_streams, chance.randint(0, 35))
        for _ in range(chance.randint(0, 3)):
            poll_events(client, organization_without_streams)
    while poll_events(client, organization_without_streams).count("data:"):
        pass
    everything.last_event_id = "5"
    while poll_events(everything, organization_without_streams).count("data:"):
        pass
    assert len(client.messages) > 50
    assert list_order(client) == list_order(everything)
    assert int(client.last_event_id) == 5 + len(client.messages)


def test_filtered_events_move_the_clients_position(
    organization_without_streams: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_MAX_ENTRIES", 10)
    client = EventSource()
    poll_events(client, organization_without_streams, channel="voice")
    record_events(organization_without_streams, 25)
    record_events(organization_without_streams, 1, voice=True)
    places = []
    for _ in range(4):
        poll_events(client, organization_without_streams, channel="voice")
        places.append(client.last_event_id)
    assert places == ["10", "20", "26", "26"]
    assert [message["channel"] for message in client.messages] == ["voice"]


def test_the_response_gives_the_retry_time_shorter_if_there_is_more(
    organization_without_streams: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_MAX_ENTRIES", 10)
    client = EventSource()
    poll_events(client, organization_without_streams)
    waits = set()
    for _ in range(20):
        poll_events(client, organization_without_streams)
        assert 4_000 <= client.reconnection_time <= 8_000
        waits.add(client.reconnection_time)
    assert len(waits) > 10, "clients that were refused together do not return together"
    record_events(organization_without_streams, 15)
    poll_events(client, organization_without_streams)
    assert 500 <= client.reconnection_time <= 1_500
    poll_events(client, organization_without_streams)
    assert client.reconnection_time >= 4_000


def test_copies_of_one_snapshot_get_different_retry_times(organization_without_streams: Tenant) -> None:
    def drawn() -> list[int]:
        random.seed(1815)
        client = EventSource()
        found = []
        for _ in range(5):
            poll_events(client, organization_without_streams)
            found.append(client.reconnection_time)
        return found

    assert drawn() != drawn()


def test_a_response_is_bounded_in_bytes(organization_without_streams: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_MAX_BYTES", 1_000)
    client = EventSource()
    poll_events(client, organization_without_streams)
    record_events(organization_without_streams, 40)
    text = poll_events(client, organization_without_streams)
    assert 1_000 <= len(text) < 2_000
    assert client.reconnection_time <= 1_500
    while poll_events(client, organization_without_streams).count("data:"):
        pass
    assert len(client.messages) == 40


def test_an_agent_key_is_shown_its_own_agents_events_only(organization_without_streams: Tenant) -> None:
    client = EventSource()
    poll_events(client, organization_without_streams, master=False)
    record_events(organization_without_streams, 2)
    record_events(organization_without_streams, 3, agent_id="agt_other")
    poll_events(client, organization_without_streams, master=False)
    assert {message["agentId"] for message in client.messages} == {organization_without_streams.agent_id}
    assert (len(client.messages), client.last_event_id) == (2, "5")


def test_an_ended_source_ends_the_last_response() -> None:
    call = CallSource()
    for place in range(3):
        call.say("caller", f"turn {place}")
    call.hang_up()
    opened = StreamSubscription(
        "str_1", "org_1", call, SessionGuard(), Selection(), StreamStart(after=3, head=9, resumed=True), full="full"
    )
    shown = parse_blocks(service.render_missed_entries(opened))
    assert [block["data"]["type"] for block in shown if "data" in block] == [
        "transcript.final",
        "transcript.final",
        "call.ended",
    ]
    assert shown[-1]["id"] == 10
