"""Fired events start calls and texts of flows, through the gate, once."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.calls import dialing, store
from switchboard.carriers import messages, voice
from switchboard.carriers.voice.no_carrier import NoCarrier
from switchboard.compliance import ledgers
from switchboard.compliance import service as compliance
from switchboard.errors import Unavailable
from switchboard.flows import changes as flow_changes
from switchboard.flows import event_starts
from switchboard.kit import clock
from switchboard.messaging import firing as scheduled_texts
from switchboard.messaging import sending
from switchboard.messaging import store as text_store
from switchboard.messaging.jobs import SendScheduledText, SendText
from switchboard.messaging.models import Author, MessageStatus, TextConversation, TextMessage
from switchboard.messaging.threads import conversation_id_of
from switchboard.numbers.models import Number
from switchboard.team.models import Member
from switchboard.triggers import event_texts, service, starting
from switchboard.triggers.models import Firing
from tests.actors import Tenant, member, system, tenant
from tests.fakes.texts import FakeMessenger
from tests.fakes.voice import Provider
from tests.tables import each
from tests.unit.calls.console_calls import ADA, OURS, save_number
from tests.unit.triggers.desk import (
    fire,
    list_events,
    make_trigger,
    run_flows,
    save_event_flow,
    save_text_flow,
    start_flow,
    starts_of,
)

LEAD = {"phone": ADA, "name": "Ada"}


@pytest.fixture(autouse=True)
def carrier(monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The carrier of live calls, controlled by the test."""
    provider = Provider()
    monkeypatch.setattr(voice, "get_carrier", lambda: provider.carrier)
    return provider


@pytest.fixture
def messenger(monkeypatch: pytest.MonkeyPatch) -> FakeMessenger:
    """The carrier of all texts, controlled by the test."""
    found = FakeMessenger()
    monkeypatch.setattr(messages, "messenger_name", lambda simulated: "simulator" if simulated else "twilio")
    monkeypatch.setattr(messages, "get_messenger", lambda simulated: found)
    return found


@pytest.fixture
def number(acme: Tenant) -> Number:
    return save_number(acme.org_id)


def fire_lead(ada: Member, body: Any = None, event_type: str = "lead created") -> Firing:
    fired = fire(make_trigger(ada, event_type), LEAD if body is None else body)
    run_flows(fired)
    return fired


def outcome(fired: Firing) -> tuple[str, str | None]:
    (start,) = starts_of(fired)
    return start.status, start.code


def list_calls(org_id: str) -> list[str]:
    return [event.subject.id for event in list_events(org_id, "voice.call.created")]


def find_texts(number: Number, contact: str = ADA) -> tuple[TextConversation | None, list[TextMessage]]:
    id_ = conversation_id_of(number.org_id, number.id, contact)
    return text_store.CONVERSATIONS.get_object(number.org_id, id_), text_store.list_messages(number.org_id, id_, 10)[0]


def test_an_event_starts_a_call_with_its_facts(ada: Member, carrier: Provider) -> None:
    flow = save_event_flow(ada.org_id, greeting="Hello {{name}}.", system_prompt="Qualify the lead.")
    fired = fire_lead(ada)
    (start,) = starts_of(fired)
    assert (start.status, start.channel, start.flow_id) == ("started", "voice", flow.id)
    assert start.subject_id is not None
    call = store.CALLS.get_object(ada.org_id, start.subject_id)
    assert call is not None
    assert (call.source, call.flow_id, call.to_number, call.from_number) == ("event", flow.id, ADA, OURS)
    assert call.correlation_id == fired.correlation_id
    (created,) = list_events(ada.org_id, "voice.call.created")
    assert (created.actor.type, created.actor.id) == ("trigger", fired.trigger_id)
    dialing.dial_call(call.org_id, call.id)
    (dial,) = carrier.dialed
    assert dial.to_number == ADA
    assert dial.prompt is not None
    assert dial.prompt.startswith("Qualify the lead.")
    assert '"name": "Ada"' in dial.prompt


def test_an_event_sends_a_text_in_a_new_conversation_of_the_flow(ada: Member, number: Number) -> None:
    flow = save_text_flow(ada.org_id)
    fired = fire_lead(ada)
    (start,) = starts_of(fired)
    talk, (text,) = find_texts(number)
    assert (start.status, start.subject_id) == ("started", text.id)
    assert (text.body, text.author, text.status) == ("Hello Ada, thank you.", Author.AI, MessageStatus.QUEUED)
    assert talk is not None
    assert (talk.flow_id, talk.message_count, talk.last_message_body) == (flow.id, 1, text.body)
    kinds = [event.type for event in list_events_of(fired)]
    assert sorted(kinds) == ["conversation.started", "sms.queued", "trigger.fired"]
    sending.send_queued_text(SendText(org_id=text.org_id, conversation_id=talk.id, message_id=text.id))
    _, (sent,) = find_texts(number)
    assert sent.status is not MessageStatus.FAILED
    assert sent.provider_sid


def list_events_of(fired: Firing) -> list[Any]:
    types = ("trigger.fired", "trigger.flow_refused", "sms.queued", "conversation.started", "sms.scheduled")
    found = [event for type_ in types for event in list_events(fired.org_id, type_)]
    return [event for event in found if event.correlation_id == fired.correlation_id]


def test_a_text_goes_into_the_conversation_that_exists(ada: Member, number: Number) -> None:
    save_text_flow(ada.org_id)
    fire_lead(ada)
    fire_lead(ada, LEAD | {"name": "Bob"})
    talk, found = find_texts(number)
    assert [text.body for text in found] == ["Hello Bob, thank you.", "Hello Ada, thank you."]
    assert talk is not None
    assert talk.message_count == 2
    assert len(list_events(ada.org_id, "conversation.started")) == 1


def test_quiet_hours_put_a_text_off_and_it_goes_out_with_its_consent(
    ada: Member, frozen: clock.FrozenClock, messenger: FakeMessenger
) -> None:
    number = save_number(ada.org_id, provider="twilio")
    save_text_flow(ada.org_id)
    # A number that a person may have: four o'clock in the morning in California.
    frozen.advance(hours=19)
    fired = fire_lead(ada, LEAD | {"phone": "+14152345678"})
    (start,) = starts_of(fired)
    assert start.status == "scheduled"
    talk, found = find_texts(number, "+14152345678")
    assert talk is not None
    assert (talk.message_count, found) == (0, [])
    frozen.advance(hours=4)
    scheduled_texts.send_scheduled(SendScheduledText(org_id=ada.org_id, scheduled_id=str(start.subject_id)))
    _, (text,) = find_texts(number, "+14152345678")
    assert [sent.body for sent in messenger.taken] == [text.body]
    assert text.scheduled_id == start.subject_id


def test_a_job_that_comes_twice_starts_the_flow_once(ada: Member, number: Number) -> None:
    save_event_flow(ada.org_id)
    save_text_flow(ada.org_id)
    fired = fire_lead(ada)
    run_flows(fired)
    assert [start.status for start in starts_of(fired)] == ["started", "started"]
    assert len(list_calls(ada.org_id)) == len(find_texts(number)[1]) == 1


def test_only_flows_that_wait_for_the_event_start(ada: Member) -> None:
    waiting = save_event_flow(ada.org_id, trigger_events=["external.lead.created", "external.other"])
    save_event_flow(ada.org_id, trigger_events=["external.github.*"], caller_id="+12125550101")
    save_event_flow(ada.org_id, trigger_type="call", name="Asleep")
    save_event_flow(tenant("other").org_id)
    gone = save_event_flow(ada.org_id, name="Gone")
    flow_changes.delete_flow(system(ada.org_id), gone.id)
    fired = fire_lead(ada)
    assert [start.flow_id for start in starts_of(fired)] == [waiting.id]
    assert [start.flow_id for start in starts_of(fire_lead(ada, event_type="unheard"))] == []


def test_a_copy_of_a_flow_is_asleep_until_it_is_woken(ada: Member) -> None:
    flow = save_event_flow(ada.org_id)
    copy = flow_changes.duplicate_flow(system(ada.org_id), flow.id)
    assert (copy.trigger_type, copy.trigger_events) == ("call", flow.trigger_events)
    assert event_starts.list_flows_of_event(ada.org_id, "external.lead.created") == [flow.id]
    flow_changes.update_flow(system(ada.org_id), copy.id, {"trigger_type": "event"})
    assert len(event_starts.list_flows_of_event(ada.org_id, "external.lead.created")) == 2
    flow_changes.rollback_flow(system(ada.org_id), copy.id, 1)
    assert event_starts.list_flows_of_event(ada.org_id, "external.lead.created") == [flow.id]


REFUSALS: list[tuple[dict[str, Any], Any, str]] = [
    ({}, {"name": "Ada"}, "no_target"),
    ({"trigger_target": "/a/b"}, LEAD, "no_target"),
    ({}, {"phone": "hello"}, "invalid_number"),
    ({}, {"phone": OURS}, "own_number"),
    ({"greeting": "Hello {{first}}."}, LEAD, "invalid_task_context"),
    ({"channel": "sms", "greeting": "Hello {{first}}."}, LEAD, "missing_variable"),
    ({"consent_source": None, "consent_date": None}, LEAD, "consent_missing"),
    ({"channel": "sms", "greeting": "Hi.", "consent_source": None, "consent_date": None}, LEAD, "consent_missing"),
    ({}, LEAD | {"consent_source": "nonsense"}, "consent_invalid"),
    ({}, LEAD | {"consent_source": "opt-in:web-form"}, "consent_invalid"),
    ({"channel": "sms", "greeting": "Hi."}, LEAD | {"consent_source": "opt-in:web-form"}, "consent_invalid"),
]


@pytest.mark.parametrize(("settings", "body", "code"), REFUSALS)
def test_a_refusal_is_shown_and_recorded(
    ada: Member, number: Number, settings: dict[str, Any], body: Any, code: str
) -> None:
    flow = save_event_flow(ada.org_id, **settings)
    fired = fire_lead(ada, body)
    assert outcome(fired) == ("refused", code)
    run_flows(fired)
    (event,) = list_events(ada.org_id, "trigger.flow_refused")
    assert event.data == {"firing": fired.id, "flow": flow.id, "channel": flow.channel, "code": code}
    assert list_calls(ada.org_id) == []
    assert find_texts(number) == (None, [])


def test_the_gate_decides_about_events_too(ada: Member, number: Number) -> None:
    save_event_flow(ada.org_id)
    save_text_flow(ada.org_id)
    ledgers.block_number(system(ada.org_id), ADA)
    fired = fire_lead(ada)
    assert {start.code for start in starts_of(fired)} == {"dnc"}
    (blocked,) = list_events(ada.org_id, "voice.call.blocked")
    assert compliance.get_verdict(ada.org_id, blocked.subject.id).code == "dnc"
    assert len(list_events(ada.org_id, "sms.blocked")) == 1


@each(
    "said, sent",
    [
        ("20% off today.", "Acme: 20% off today. Reply STOP to get no more texts."),
        ("Acme here: 20% off.", "Acme here: 20% off. Reply STOP to get no more texts."),
        ("20% off. STOP to end.", "Acme: 20% off. STOP to end."),
        ("Don't stop now, Acmetown!", "Acme: Don't stop now, Acmetown! Reply STOP to get no more texts."),
    ],
)
def test_a_text_that_sells_names_its_sender_and_the_way_out(said: str, sent: str) -> None:
    assert event_texts.add_sender(said, "Acme") == sent


@pytest.mark.usefixtures("acme")
@each("purpose, adds", [("telemarketing", True), ("informational", False)])
def test_the_purpose_of_the_flow_decides_what_a_text_must_say(purpose: str, adds: bool) -> None:
    acme = tenant(purpose)
    number = save_number(acme.org_id, "+12125550177" if adds else "+12125550178")
    save_text_flow(acme.org_id, purpose=purpose, consent_source="opt-in:web-form", greeting="Hello {{name}}.")
    fire_lead(member(acme.org_id, name=purpose))
    _, (text,) = find_texts(number)
    assert ("Reply STOP" in text.body) is adds
    assert (text.body == "Hello Ada.") is not adds


def test_an_opt_out_stops_a_text_that_waits_for_the_carrier(ada: Member, number: Number) -> None:
    save_text_flow(ada.org_id)
    fire_lead(ada)
    talk, (text,) = find_texts(number)
    ledgers.record_opt_out(system(ada.org_id), ADA, "manual")
    assert talk is not None
    sending.send_queued_text(SendText(org_id=text.org_id, conversation_id=talk.id, message_id=text.id))
    _, (after,) = find_texts(number)
    assert (after.status, after.error_code) == (MessageStatus.FAILED, "opted_out")


def test_a_person_is_not_called_twice_in_five_minutes(ada: Member, frozen: clock.FrozenClock) -> None:
    save_event_flow(ada.org_id)
    assert outcome(fire_lead(ada)) == ("started", None)
    assert outcome(fire_lead(ada)) == ("refused", "duplicate_call")
    frozen.advance(minutes=5)
    assert outcome(fire_lead(ada)) == ("started", None)


def test_caps_apply(cloud: dict[str, str], frozen: clock.FrozenClock) -> None:
    poor = tenant("poor", basic_calls_per_day=0, premium_calls_per_day=0)
    save_event_flow(poor.org_id)
    fired = fire_lead(member(poor.org_id, name="Poor"))
    assert outcome(fired) == ("refused", "daily_cap")


def test_a_pause_after_the_event_stops_its_flows(ada: Member) -> None:
    flow = save_event_flow(ada.org_id)
    made = make_trigger(ada)
    fired, other = fire(made, LEAD), fire(made, LEAD)
    service.update_trigger(ada, made.trigger.id, active=False)
    start_flow(fired, flow.id)
    assert outcome(fired) == ("refused", "trigger_inactive")
    service.update_trigger(ada, made.trigger.id, active=True)
    organizations.set_status(system(ada.org_id), "suspended")
    start_flow(other, flow.id)
    assert outcome(other) == ("refused", "organization_suspended")


def test_a_flow_that_waits_no_longer_is_refused(ada: Member) -> None:
    flow = save_event_flow(ada.org_id)
    fired = fire(make_trigger(ada), LEAD)
    flow_changes.update_flow(system(ada.org_id), flow.id, {"trigger_events": ["external.other"]})
    start_flow(fired, flow.id)
    assert outcome(fired) == ("refused", "flow_changed")


def test_without_a_number_or_a_carrier_the_reason_is_shown(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    save_text_flow(ada.org_id)
    assert outcome(fire_lead(ada)) == ("refused", "no_number")
    bare = member(tenant("bare").org_id, name="Bare")
    save_event_flow(bare.org_id)
    monkeypatch.setattr(voice, "carrier_name", lambda: "none")
    monkeypatch.setattr(voice, "get_carrier", NoCarrier)
    assert outcome(fire_lead(bare)) == ("refused", "no_carrier")


def test_a_provider_that_is_down_is_tried_again_for_some_minutes(ada: Member, frozen: clock.FrozenClock) -> None:
    flow = save_event_flow(ada.org_id)
    fired = fire(make_trigger(ada), {"phone": "+15005550013"})
    with pytest.raises(Unavailable):
        start_flow(fired, flow.id)
    assert starts_of(fired) == []
    frozen.advance(seconds=starting.GIVE_UP_AFTER.total_seconds())
    start_flow(fired, flow.id)
    assert outcome(fired) == ("refused", "provider_down")


def test_an_expired_firing_and_a_deleted_flow_are_skipped(
    ada: Member, skipped: list[tuple[str, dict[str, Any]]]
) -> None:
    fired = fire(make_trigger(ada), LEAD)
    start_flow(fired, "0190b5c0-0000-7000-8000-000000000000")
    start_flow(fired.model_copy(update={"id": "fir_gone"}), "0190b5c0-0000-7000-8000-000000000000")
    assert [reason for reason, _ in skipped] == ["the flow is gone", "the flow has its result"]


def test_the_number_of_the_flow_sends_its_texts(ada: Member) -> None:
    own = save_number(ada.org_id, "+12125550177")
    save_number(ada.org_id, "+12125550178")
    save_text_flow(ada.org_id, caller_id_number_id=own.id)
    fire_lead(ada)
    assert len(find_texts(own)[1]) == 1


def test_events_of_calls_are_no_events_from_outside(ada: Member) -> None:
    """A flow waits for names that begin with `external` only, so that its own calls never start it again."""
    assert not any(
        event_starts.list_flows_of_event(ada.org_id, name) for name in ("call.completed", "external", "sms.received")
    )
    save_event_flow(ada.org_id, trigger_events=["external.*"])
    assert event_starts.list_flows_of_event(ada.org_id, "call.completed") == []
