"""The pace at which fired events start the flows of an organization."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.aws import queues
from switchboard.errors import RateLimited
from switchboard.kit import clock
from switchboard.kit.jobs import QueueMessage
from switchboard.team.models import Member
from switchboard.triggers import firing, start_pace, starting
from switchboard.triggers.firing import FiredEvent
from switchboard.triggers.jobs import StartFlows
from switchboard.triggers.models import Firing
from tests.actors import Tenant, tenant
from tests.unit.triggers.desk import fire, list_events, make_trigger, post, save_event_flow


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[QueueMessage]:
    """The messages that a worker sends."""
    found: list[QueueMessage] = []
    monkeypatch.setattr(queues, "send_messages", found.extend)
    return found


@pytest.fixture(autouse=True)
def pace(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """One start every two seconds."""
    monkeypatch.setenv("SWITCHBOARD_EVENT_STARTS_PER_MINUTE", "30")


def start_flows(fired: Firing) -> None:
    starting.start_flows(StartFlows(org_id=fired.org_id, trigger_id=fired.trigger_id, firing_id=fired.id))


def test_starts_get_one_time_after_the_other(acme: Tenant, frozen: clock.FrozenClock) -> None:
    assert start_pace.reserve_starts(acme.org_id, 2) == [0, 2]
    assert start_pace.reserve_starts(acme.org_id, 3) == [4, 6, 8]
    frozen.advance(seconds=9)
    assert start_pace.reserve_starts(acme.org_id, 1) == [1]
    frozen.advance(minutes=1)
    assert start_pace.reserve_starts(acme.org_id, 1) == [0], "unused times do not add up to a burst"


def test_organizations_do_not_wait_for_each_other(acme: Tenant) -> None:
    start_pace.reserve_starts(acme.org_id, 1_000)
    assert start_pace.reserve_starts(tenant("other").org_id, 1) == [0]


def test_no_start_waits_longer_than_a_queue_holds_a_message(acme: Tenant) -> None:
    start_pace.reserve_starts(acme.org_id, 1_000)
    assert start_pace.reserve_starts(acme.org_id, 1) == [queues.MAX_DELAY_SECONDS]


def test_a_job_waits_for_its_time(ada: Member, sent: list[QueueMessage]) -> None:
    for _ in range(3):
        save_event_flow(ada.org_id)
    start_flows(fire(make_trigger(ada)))
    assert [message.delay for message in sent] == [0, 2, 4]
    assert [message.body["due"][17:19] for message in sent] == ["00", "02", "04"]


def test_too_many_waiting_starts_refuse_events_that_start_flows(ada: Member, frozen: clock.FrozenClock) -> None:
    save_event_flow(ada.org_id)
    lead, other = make_trigger(ada, "lead created"), make_trigger(ada, "order paid")
    start_pace.reserve_starts(ada.org_id, 300)
    assert post(lead.token)["statusCode"] == 202, "ten minutes of starts may wait"
    start_pace.reserve_starts(ada.org_id, 5)
    refused = post(lead.token)
    assert (refused["statusCode"], refused["headers"]["Retry-After"]) == (429, "10")
    assert json.loads(refused["body"])["code"] == "too_many_starts"
    assert post(other.token)["statusCode"] == 202, "it starts no flow"
    assert len(list_events(ada.org_id, "trigger.fired")) == 2
    frozen.advance(seconds=10)
    assert post(lead.token)["statusCode"] == 202


def test_one_flood_ends_at_the_address(ada: Member, frozen: clock.FrozenClock, sent: list[Any]) -> None:
    """However many flows wait for an event: the jobs in the queue stay below the starts of a quarter of an hour."""
    for number in range(10):
        save_event_flow(ada.org_id, name=f"Flow {number}", trigger_events=["external.*"])
    trigger = make_trigger(ada).trigger
    refused = 0
    for _ in range(60):
        try:
            fired = firing.fire_trigger(trigger, FiredEvent("{}"))
        except RateLimited:
            refused += 1
        else:
            assert fired is not None
            start_flows(fired)
    assert refused > 0
    assert len(sent) <= 300 + 10
    assert max(message.delay for message in sent) <= queues.MAX_DELAY_SECONDS
