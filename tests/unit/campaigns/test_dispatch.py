"""The workers that dispatch campaigns, on a virtual clock (`virtual`)."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.aws.writes import commit
from switchboard.campaigns import changes, claims, counts, store
from switchboard.campaigns.models import Campaign, CampaignStatus, PauseReason, Recipient, RecipientStatus
from switchboard.carriers.messages.ports.messenger import (
    FoundText,
    OutcomeUnknownError,
    OutgoingText,
    TextRefusedError,
    ThrottledError,
)
from switchboard.compliance import ledgers
from switchboard.compliance import service as compliance
from switchboard.compliance.models import Purpose
from switchboard.kit import clock
from switchboard.messaging import pacing_store
from switchboard.messaging import store as messages
from switchboard.messaging.models import ConversationStatus, MessageStatus, TextMedia, TextMessage
from switchboard.numbers import store as numbers
from switchboard.numbers.models import NumberStatus
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.usage import service as usage
from tests.actors import system
from tests.settings import THOROUGH
from tests.text_counts import count_texts
from tests.unit.campaigns.desk import count_by_hand, make_campaign, read_counts
from tests.unit.campaigns.virtual import (
    Mishaps,
    Office,
    add_recipients,
    contact_of,
    open_office,
    open_world,
    worst_window,
)
from tests.unit.messaging.desk import make_conversation

_SENT = RecipientStatus.SENT


def _launch(office: Office, total: int, throttle: int = 600, timezone: str | None = None, **given: Any) -> Campaign:
    """Launches a campaign. It starts at the next full minute."""
    campaign = make_campaign(office.who, office.number, throttle_per_minute=throttle, **given)
    campaign = add_recipients(campaign, total, timezone=timezone)
    return changes.launch_campaign(office.who, campaign.id)


def _now(campaign: Campaign) -> Campaign:
    return changes.require_campaign(campaign.org_id, campaign.id)


def _recipients(campaign: Campaign) -> list[Recipient]:
    return store.list_recipients(campaign.org_id, campaign.id, 0, _now(campaign).total)


def _text_of(campaign: Campaign, recipient: Recipient) -> TextMessage:
    talk = make_conversation(campaign.org_id, recipient.contact_e164, campaign.number_id)
    assert recipient.message_id
    found = messages.get_message(campaign.org_id, talk.id, recipient.message_id)
    assert found
    return found


def _check_counts(campaign: Campaign) -> None:
    found = read_counts(campaign)
    assert found.model_copy(update={"blocked": 0}) == count_by_hand(campaign)


def test_a_campaign_sends_each_recipient_one_text_and_is_completed() -> None:
    with open_world() as world:
        campaign = _launch(open_office(), 45, 300)
        world.run(200)

        assert _now(campaign).status is CampaignStatus.COMPLETED
        assert world.sent_to() == Counter(contact_of(index) for index in range(45))
        assert {one.status for one in _recipients(campaign)} == {_SENT}
        text = _text_of(campaign, _recipients(campaign)[0])
        assert (text.status, text.campaign_id, text.recipient) == (MessageStatus.ACCEPTED, campaign.id, 0)
        assert text.provider_sid == f"SM{text.id}"
        _check_counts(campaign)


@pytest.mark.parametrize(("throttle", "most"), [(30, 3.4), (60, 3.2), (600, 2)])
def test_a_text_costs_few_requests_besides_its_report_at_each_throttle(throttle: int, most: float) -> None:
    with open_world() as world:
        _launch(open_office(), min(throttle * 5, 600), throttle)
        world.run(280 if throttle < 600 else 130)

        assert len(world.carried) >= min(throttle * 3, 600)
        assert sum(world.requests.values()) / len(world.carried) <= most


def test_a_long_code_sends_the_texts_of_a_turn_together_within_its_rate() -> None:
    with open_world() as world:
        office = open_office(provider="twilio")
        _launch(office, 200, 600)
        world.run(200)

        # One a second, by the number's type.
        assert worst_window(world.carried) <= 60
        assert len(world.carried) >= 130
        # Two requests more for the look-up of each new contact.
        assert sum(world.requests.values()) / len(world.carried) <= 5.5


def test_lanes_sleep_while_all_recipients_wait_for_the_morning() -> None:
    with open_world() as world:
        office = open_office()
        campaign = make_campaign(office.who, office.number, throttle_per_minute=600)
        campaign = add_recipients(campaign, 70)
        commit(store.CAMPAIGNS.save_write(next_version(_now(campaign), simulated=False)))
        world.run(12 * 3_600)
        changes.launch_campaign(office.who, campaign.id)
        world.run(300)
        assert read_counts(campaign).pending == 70
        turns = world.turns
        # In California it is 21:35, and texts are allowed from 8:00.
        world.run(10 * 3_600)
        assert world.turns - turns < 60
        assert not world.carried

        world.run(1_800)
        assert len(world.sent_to()) == 70
        assert _now(campaign).status is CampaignStatus.COMPLETED


@pytest.mark.parametrize("seed", range(4) if THOROUGH else (1, 3))
def test_no_window_exceeds_the_throttle_and_nothing_is_lost_or_sent_twice_while_workers_die(seed: int) -> None:
    mishaps = Mishaps(killed=0.004 * (seed + 1), throttled=0.01 * seed, repeated=0.05)
    with open_world(seed, mishaps) as world:
        campaign = _launch(open_office(), 150, 90)
        world.run(2_400)

        assert world.kills
        assert worst_window(world.carried) <= 90
        assert world.sent_to() == Counter(contact_of(index) for index in range(150))
        assert _now(campaign).status is CampaignStatus.COMPLETED
        _check_counts(campaign)


def test_after_a_pause_no_text_goes_out_and_a_launch_goes_on_within_the_throttle() -> None:
    with open_world(3) as world:
        office = open_office()
        campaign = _launch(office, 100, 60)
        world.run(90)
        sent = len(world.carried)
        changes.pause_for_member(office.who, campaign.id)
        world.run(30)
        assert len(world.carried) == sent > 10

        changes.launch_campaign(office.who, campaign.id)
        world.run(300)
        assert worst_window(world.carried) <= 60
        assert world.sent_to() == Counter(contact_of(index) for index in range(100))
        assert _now(campaign).status is CampaignStatus.COMPLETED


@pytest.mark.parametrize("stop", [changes.pause_for_member, changes.cancel_campaign], ids=["pause", "cancel"])
def test_a_stop_in_the_middle_of_a_turn_loses_no_claimed_recipient(stop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_world() as world:
        office = open_office()
        # Most contacts have opted out, so that a turn claims in several parts.
        for index in (one for one in range(400) if one % 5 < 3):
            ledgers.record_opt_out(system(office.org_id), contact_of(index), "keyword")
        campaign = _launch(office, 400, 600)
        judge = claims.judge_recipients
        stops: list[Campaign] = []

        def judge_later(sender: Any, part: Any) -> Any:
            if not stops and any(one.status is RecipientStatus.CLAIMED for one in _recipients(campaign)):
                stops.append(stop(office.who, campaign.id))
            return judge(sender, part)

        monkeypatch.setattr(claims, "judge_recipients", judge_later)
        world.run(120)
        assert stops
        assert read_counts(campaign).claimed == 0
        if stop is changes.pause_for_member:
            changes.launch_campaign(office.who, campaign.id)
            world.run(600)
            assert _now(campaign).status is CampaignStatus.COMPLETED
            assert world.sent_to() == Counter(contact_of(index) for index in range(400) if index % 5 >= 3)
        _check_counts(campaign)


def test_a_stop_between_claims_one_by_one_keeps_those_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_world() as world:
        office = open_office()
        campaign = _launch(office, 60, 600)
        claim = claims._claim
        stops: list[Campaign] = []

        def claim_alone(sender: Any, part: Any) -> Any:
            if stops:
                return claim(sender, part)
            if len(part) > 1:
                raise StaleVersionError
            found = claim(sender, part)
            stops.append(changes.pause_for_member(office.who, campaign.id))
            return found

        monkeypatch.setattr(claims, "_claim", claim_alone)
        world.run(120)
        assert stops
        assert read_counts(campaign).claimed == 0
        changes.launch_campaign(office.who, campaign.id)
        world.run(300)
        assert world.sent_to() == Counter(contact_of(index) for index in range(60))
        _check_counts(campaign)


def test_the_texts_of_a_turn_are_counted_together() -> None:
    with open_world() as world:
        office = open_office()
        campaign = make_campaign(office.who, office.number, throttle_per_minute=600)
        campaign = add_recipients(campaign, 60)
        # The figures leave simulated texts out.
        commit(store.CAMPAIGNS.save_write(next_version(_now(campaign), simulated=False)))
        changes.launch_campaign(office.who, campaign.id)
        began = clock.now()
        world.run(150)

        assert read_counts(campaign).sent == 60
        tallied = count_texts(office.org_id, began - timedelta(hours=1), began + timedelta(hours=1))
        assert tallied.sent == 60


def test_after_a_cancel_no_text_goes_out() -> None:
    with open_world(3) as world:
        office = open_office()
        campaign = _launch(office, 100, 60)
        world.run(90)
        sent = len(world.carried)
        changes.cancel_campaign(office.who, campaign.id)
        world.run(300)

        assert len(world.carried) == sent
        assert read_counts(campaign).cancelled == 100 - sent
        _check_counts(campaign)


def test_recipients_on_the_ledgers_get_no_text_and_cost_no_share() -> None:
    with open_world() as world:
        office = open_office()
        for index in range(0, 60, 2):
            ledgers.record_opt_out(system(office.org_id), contact_of(index), "manual")
        ledgers.block_number(system(office.org_id), contact_of(1))
        campaign = _launch(office, 60, 60)
        world.run(280)

        assert set(world.sent_to()) == {contact_of(index) for index in range(3, 60, 2)}
        found = read_counts(campaign)
        assert (found.opted_out, found.failed, found.blocked, found.sent) == (30, 1, 1, 29)


def test_a_recipient_whose_conversation_is_closed_fails_and_costs_no_share() -> None:
    with open_world() as world:
        office = open_office()
        for index, status in enumerate((ConversationStatus.CLOSED, ConversationStatus.SNOOZED)):
            talk = make_conversation(office.org_id, contact_of(index), office.number.id, status=status)
            commit(messages.CONVERSATIONS.create_write(talk))
        ledgers.record_opt_out(system(office.org_id), contact_of(0), "manual")
        campaign = _launch(office, 3, 60)
        world.run(200)

        assert set(world.sent_to()) == {contact_of(1), contact_of(2)}
        closed = _recipients(campaign)[0]
        assert (closed.status, closed.error_code) == (RecipientStatus.FAILED, "conversation_closed")
        assert _now(campaign).status is CampaignStatus.COMPLETED
        _check_counts(campaign)


def test_a_number_that_sends_no_files_fails_the_recipients_with_files() -> None:
    with open_world() as world:
        office = open_office()
        campaign = make_campaign(office.who, office.number, throttle_per_minute=600)
        campaign = add_recipients(campaign, 1, media=[TextMedia(url="https://example.com/a.png")])
        campaign = add_recipients(campaign, 1)
        changes.launch_campaign(office.who, campaign.id)
        world.run(150)

        assert set(world.sent_to()) == {contact_of(1)}
        assert _recipients(campaign)[0].error_code == "number_without_mms"


@pytest.mark.parametrize(
    ("smart", "body", "segments"), [(True, '"Hi" ' + "x" * 130, 1), (False, "“Hi” " + "x" * 130, 3)]
)
def test_a_text_of_a_campaign_is_encoded_as_its_organization_wants(smart: bool, body: str, segments: int) -> None:
    with open_world() as world:
        office = open_office()
        org = organizations.get_organization(office.org_id)
        organizations.update_organization(office.who, org, {"smart_encoding": smart})
        campaign = _launch(office, 1, body_template="“Hi” " + "x" * 130)
        world.run(150)

        text = _text_of(campaign, _recipients(campaign)[0])
        assert (text.body, text.segments) == (body, segments)


def test_an_opt_out_between_the_claim_and_the_hand_over_stops_the_text() -> None:
    with open_world() as world:
        office = open_office()
        campaign = _launch(office, 3, 600)
        done: list[str] = []

        def opt_out(operation: str) -> None:
            claimed = [one for one in _recipients(campaign) if one.status is RecipientStatus.CLAIMED]
            if claimed and not done:
                done.append(claimed[0].contact_e164)
                ledgers.record_opt_out(system(office.org_id), claimed[0].contact_e164, "keyword")

        def once(operation: str) -> None:
            world.before = lambda _: None
            opt_out(operation)
            world.before = once

        world.before = once
        world.run(150)

        assert done
        assert done[0] not in world.sent_to()
        assert read_counts(campaign).opted_out == 1
        assert read_counts(campaign).sent == 2


def test_quiet_hours_put_recipients_off_until_their_own_morning() -> None:
    with open_world() as world:
        office = open_office()
        campaign = make_campaign(office.who, office.number, throttle_per_minute=60)
        # In Hawaii it is 7:30.
        campaign = add_recipients(campaign, 4, timezone="Pacific/Honolulu")
        campaign = add_recipients(campaign, 4)
        live = next_version(_now(campaign), simulated=False)
        commit(store.CAMPAIGNS.save_write(live))
        changes.launch_campaign(office.who, campaign.id)
        world.run(150)
        assert set(world.sent_to()) == {contact_of(index) for index in range(4, 8)}
        assert {one.due for one in _recipients(campaign)[:4]} == {"2026-01-15T18:00:00.000Z"}
        assert read_counts(campaign).pending == 4

        world.run(3_000)
        assert len(world.sent_to()) == 8
        assert min(one.begun for one in world.carried[4:]) >= clock.parse("2026-01-15T18:00:00Z").timestamp()
        assert _now(campaign).status is CampaignStatus.COMPLETED


def test_a_text_that_the_carrier_throttled_is_tried_again() -> None:
    with open_world() as world:
        refusals = Counter[str]()

        def throttle(text: OutgoingText) -> None:
            refusals[text.to_number] += 1
            if refusals[text.to_number] == 1:
                raise ThrottledError("full")

        world.carrier = throttle
        campaign = _launch(open_office(), 5, 600)
        world.run(400)

        assert set(refusals.values()) == {2}
        assert read_counts(campaign).sent == 5
        _check_counts(campaign)


def test_a_text_with_an_unknown_outcome_is_asked_for_and_never_sent_twice() -> None:
    with open_world(2) as world:
        asked = Counter[str]()

        def hang(text: OutgoingText) -> None:
            asked[text.to_number] += 1
            if asked[text.to_number] == 1:
                raise OutcomeUnknownError("no answer")

        world.carrier = hang
        campaign = _launch(open_office(), 20, 600)
        world.run(120)
        assert read_counts(campaign).claimed == 20
        world.run(1_200)

        assert world.sent_to() == Counter(contact_of(index) for index in range(20))
        # The carrier knew some of them after ten minutes, and the others are sent again.
        assert 1 in asked.values()
        assert 2 in asked.values()
        assert _now(campaign).status is CampaignStatus.COMPLETED


def test_a_contact_who_opted_out_with_the_carrier_is_in_the_ledger() -> None:
    with open_world() as world:

        def refuse(text: OutgoingText) -> None:
            raise TextRefusedError("opted out", 21610)

        world.carrier = refuse
        office = open_office()
        campaign = _launch(office, 1, 600)
        world.run(120)

        assert read_counts(campaign).opted_out == 1
        assert ledgers.list_opt_outs(office.org_id, 5)[0][0].e164 == contact_of(0)


def test_a_campaign_whose_texts_fail_is_paused() -> None:
    with open_world() as world:

        def refuse(text: OutgoingText) -> None:
            if int(text.to_number[-1]) % 2:
                raise TextRefusedError("unreachable", 30003)

        world.carrier = refuse
        campaign = _launch(open_office(), 2_000, 600)
        for _ in range(20):
            world.run(20)
            # The reports of those that the carrier took.
            for one in _recipients(campaign):
                if one.status is _SENT:
                    text = _text_of(campaign, one)
                    done = text.model_copy(update={"status": MessageStatus.DELIVERED})
                    commit(counts.status_writes(text, done))

        assert _now(campaign).pause_reason is PauseReason.FAILURES
        assert 100 <= len(world.carried) < 1_300


def _suspend(office: Office) -> None:
    organizations.set_status(system(office.org_id), "suspended")


def _release(office: Office) -> None:
    commit(numbers.NUMBERS.save_write(next_version(office.number, status=NumberStatus.RELEASED)))


@pytest.mark.parametrize(
    ("stop", "reason"), [(_suspend, PauseReason.AUTHORITY), (_release, PauseReason.NUMBER)], ids=["org", "number"]
)
def test_a_stop_pauses_the_campaign_before_its_next_text(stop: Any, reason: PauseReason) -> None:
    with open_world() as world:
        office = open_office()
        campaign = _launch(office, 200, 60)
        world.run(90)
        sent = len(world.carried)
        stop(office)
        world.run(120)

        assert len(world.carried) == sent
        assert _now(campaign).status is CampaignStatus.PAUSED
        assert _now(campaign).pause_reason is reason


def test_a_spending_cap_pauses_the_campaign() -> None:
    with open_world() as world:
        office = open_office()
        usage.change_hard_cap(system(office.org_id), {"enabled": True, "monthly_cap_cents": 3})
        campaign = make_campaign(office.who, office.number, throttle_per_minute=60)
        campaign = add_recipients(campaign, 10)
        commit(store.CAMPAIGNS.save_write(next_version(_now(campaign), simulated=False)))
        changes.launch_campaign(office.who, campaign.id)
        world.run(150)

        # A text costs 1.5 cents.
        assert len(world.carried) == 2
        assert _now(campaign).pause_reason is PauseReason.CAP


def test_a_campaign_takes_only_the_free_times_of_its_number() -> None:
    with open_world() as world:
        office = open_office()
        number = next_version(office.number, provider="twilio")
        commit(numbers.NUMBERS.save_write(number))
        campaign = _launch(office, 200, 600)
        world.run(31)
        # Single texts have reserved the number's next 20 seconds.
        begun = world.now
        later = int((begun + 20) * 1_000)
        assert pacing_store.take_present_slots(office.org_id, number.id, int(begun * 1_000) + 5_000, later)
        world.run(200)

        assert min(one.begun for one in world.carried) >= begun + 19
        # One a second, by the number's type.
        assert worst_window(world.carried) <= 60
        assert _now(campaign).status is CampaignStatus.RUNNING


def test_a_campaign_joins_an_existing_conversation_and_creates_none() -> None:
    with open_world() as world:
        office = open_office()
        talk = make_conversation(office.org_id, contact_of(0), office.number.id, message_count=3)
        commit(messages.CONVERSATIONS.create_write(talk))
        _launch(office, 2, 600)
        world.run(120)

        found = messages.CONVERSATIONS.get_object(office.org_id, talk.id)
        assert found
        assert (found.message_count, found.last_message_body) == (4, "Hello.")
        other = make_conversation(office.org_id, contact_of(1), office.number.id)
        assert messages.CONVERSATIONS.get_object(office.org_id, other.id) is None


def test_a_job_of_a_launch_that_is_over_does_nothing(skipped: list[Any]) -> None:
    with open_world() as world:
        office = open_office()
        campaign = _launch(office, 30, 30)
        world.run(80)
        changes.pause_for_member(office.who, campaign.id)
        sent = len(world.carried)
        world.run(120)

        assert len(world.carried) == sent
        assert any("does not run" in reason for reason, _ in skipped)


def test_campaigns_of_other_numbers_do_not_share_a_throttle() -> None:
    with open_world() as world:
        first, second = open_office("acme"), open_office("globex", e164="+12125550177")
        _launch(first, 60, 60)
        _launch(second, 60, 60)
        world.run(150)

        assert worst_window(world.carried) == pytest.approx(120, abs=4)


def test_a_recipient_that_was_imported_with_a_costly_number_gets_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.unit.campaigns.virtual.contact_of", ("+881631234567", "+14152300000").__getitem__)
    with open_world() as world:
        campaign = _launch(open_office(), 2, timezone="America/New_York")
        world.run(300)
        assert list(world.sent_to()) == ["+14152300000"]
        assert [(one.status, one.error_code) for one in _recipients(campaign)] == [
            (RecipientStatus.FAILED, "contact_not_textable"),
            (_SENT, None),
        ]
        assert _now(campaign).status is CampaignStatus.COMPLETED


def test_a_campaign_of_long_texts_keeps_its_numbers_segments_and_waits_nowhere_past_its_hours() -> None:
    with open_world() as world:
        valid: list[int | None] = []
        world.carrier = lambda text: valid.append(text.valid_seconds)
        campaign = _launch(open_office(provider="twilio"), 60, body_template="x" * 459)
        world.run(240)
        # One segment a second, and each text has three.
        assert 18 <= worst_window(world.carried) <= 20
        assert 55 <= len(world.carried) <= 60
        assert set(valid) == {4 * 3_600}
        assert _now(campaign).status is CampaignStatus.RUNNING


def test_a_campaign_looks_up_no_numbers_without_room_for_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Database:
        def query_number(self, e164: str, since: date) -> str:
            asked.append(e164)
            return "no"

    monkeypatch.setattr(compliance, "get_reassigned_numbers", Database)
    with open_world() as world:
        office = open_office("poor", provider="twilio", limits={"text_segments_per_month": 2})
        campaign = _launch(office, 100)
        world.run(200)
        assert _now(campaign).pause_reason is PauseReason.CAP
        assert sum(world.sent_to().values()) == 2
        # The gate is asked about the five texts of a turn at once.
        assert len(asked) <= 5
        changes.launch_campaign(office.who, campaign.id)
        world.run(200)
        assert len(asked) <= 5


def test_a_text_that_the_carrier_throttled_counts_once_towards_the_legal_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_NATIONAL_REGISTRY", "simulator")
    monkeypatch.setattr("tests.unit.campaigns.virtual.contact_of", ["+13055552671"].__getitem__)
    with open_world() as world:
        tries = iter(range(5))

        def carrier(_: OutgoingText) -> None:
            if next(tries) < 4:
                raise ThrottledError("too many")

        world.carrier = carrier
        office = open_office(provider="twilio")
        ledgers.record_consent(office.who, "+13055552671", "opt-in:double-opt-in")
        campaign = _launch(office, 1, purpose=Purpose.TELEMARKETING)
        world.run(600)
        assert [one.status for one in _recipients(campaign)] == [_SENT]


def test_texts_about_which_the_carrier_never_answers_are_unconfirmed_and_their_campaign_ends() -> None:
    with open_world() as world:

        def hang(_: OutgoingText) -> None:
            raise OutcomeUnknownError("no answer")

        def find(text: OutgoingText, since: datetime) -> FoundText | None:
            if text.to_number == contact_of(0):
                raise OutcomeUnknownError("there are several texts with this body between these numbers")
            return FoundText(f"SM{text.message_id}", "delivered")

        world.carrier = hang
        world.find_text = find  # type: ignore[method-assign]
        campaign = _launch(open_office(), 6)
        world.run(60)
        world.turns = 0
        world.run(800)
        # The others do not wait for the first.
        assert [one.status for one in _recipients(campaign)] == [RecipientStatus.CLAIMED, *[_SENT] * 5]
        world.run(4 * 3_600)
        assert [one.status for one in _recipients(campaign)] == [_SENT] * 6
        assert _text_of(campaign, _recipients(campaign)[0]).status is MessageStatus.UNCONFIRMED
        assert _now(campaign).status is CampaignStatus.COMPLETED
        # Sixty lanes sleep longer each time. Some messages come a moment early, and are sent again.
        assert world.turns < 60 * 50


def test_an_error_with_one_claim_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_world(mishaps=Mishaps(throttled=1e-9)) as world:
        broken = [contact_of(0)]

        def hang(_: OutgoingText) -> None:
            raise OutcomeUnknownError("no answer")

        def find(text: OutgoingText, since: datetime) -> FoundText | None:
            if text.to_number in broken:
                raise RuntimeError("broken")
            return FoundText(f"SM{text.message_id}", "sent")

        world.carrier = hang
        world.find_text = find  # type: ignore[method-assign]
        campaign = _launch(open_office(), 6)
        world.run(680)
        assert [one.status for one in _recipients(campaign)] == [RecipientStatus.CLAIMED, *[_SENT] * 5]
        broken.clear()
        world.run(600)
        assert _now(campaign).status is CampaignStatus.COMPLETED
