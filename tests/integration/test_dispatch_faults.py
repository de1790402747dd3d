"""Turns of campaigns, killed between any two AWS calls: each recipient gets one text, and the counts add up.

The worker runs with the grants of its role.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import count

import pytest

from switchboard.aws import queues, reads
from switchboard.campaigns import changes, pace, pace_store
from switchboard.campaigns.jobs import TakeTurn
from switchboard.campaigns.models import Campaign, CampaignCounts
from switchboard.carriers import messages
from switchboard.carriers.messages.ports.messenger import AcceptedText, FoundText, OutgoingText
from switchboard.kit import clock
from switchboard.numbers.models import Number
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, tenant
from tests.integration.sabotage import Sabotage, drain_queue, run_tick, run_worker
from tests.unit.calls.console_calls import save_number
from tests.unit.campaigns.desk import contact, count_by_hand, make_campaign, read_counts, start


class Carrier:
    """A carrier that knows the texts that it took."""

    def __init__(self) -> None:
        self.taken: list[OutgoingText] = []

    def send_text(self, text: OutgoingText) -> AcceptedText:
        self.taken.append(text)
        return AcceptedText(f"SM{text.message_id}")

    def find_text(self, text: OutgoingText, since: datetime) -> FoundText | None:
        known = any(one.message_id == text.message_id for one in self.taken)
        return FoundText(f"SM{text.message_id}", "sent") if known else None


@pytest.fixture
def carrier(monkeypatch: pytest.MonkeyPatch) -> Carrier:
    made = Carrier()
    monkeypatch.setattr(messages, "get_messenger", lambda simulated: made)
    return made


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def ada(acme: Tenant) -> Member:
    return member(acme.org_id, Role.OPERATOR)


@pytest.fixture
def number(acme: Tenant) -> Number:
    return save_number(acme.org_id)


def send_turn(campaign: Campaign) -> None:
    """Sends the next turn of the first lane. Its time has come."""
    state = reads.read_ref(pace_store.pace_ref(campaign.org_id, campaign.id))
    if state is None:
        state = pace.start_launch(None, campaign.launch, campaign.throttle_per_minute)
        assert state
        pace_store.store_launch(campaign.org_id, campaign.id, state)
    now = int(clock.epoch() * 1_000)
    turn = TakeTurn(
        org_id=campaign.org_id,
        campaign_id=campaign.id,
        number_id=campaign.number_id,
        launch=campaign.launch,
        lane=0,
        number=state.lanes[0].turn + 1,
        slot=now,
        ready=now,
    )
    queues.send_messages([turn.to_message()])


def test_a_turn_killed_anywhere_sends_each_text_once(
    ada: Member, number: Number, carrier: Carrier, frozen: clock.FrozenClock
) -> None:
    saboteur = Sabotage()
    for done in count():
        campaign = start(ada, make_campaign(ada, number, 3, throttle_per_minute=180))
        drain_queue("campaigns")
        carrier.taken.clear()
        send_turn(campaign)
        with saboteur.killing(after=done):
            run_worker("workers/campaigns", at_most=1)
        died = len(saboteur.calls) == done
        # The queue delivers the turn again.
        frozen.advance(seconds=31)
        run_worker("workers/campaigns", at_most=1)
        # The carrier is asked about claims that nobody recorded. Those that it does not know are sent by a later turn.
        frozen.advance(minutes=11)
        run_tick()
        run_worker("workers/campaigns")
        frozen.advance(minutes=1)
        send_turn(changes.require_campaign(campaign.org_id, campaign.id))
        run_worker("workers/campaigns", at_most=1)

        assert Counter(one.to_number for one in carrier.taken) == Counter(map(contact, range(3))), done
        assert read_counts(campaign) == count_by_hand(campaign) == CampaignCounts(total=3, sent=3), done
        if not died:
            break
    assert done > 8
