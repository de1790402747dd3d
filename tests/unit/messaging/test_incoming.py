"""Texts that come in: the conversation, the text, the events, and what the contact asks for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from switchboard.accounts import organizations
from switchboard.aws import reads
from switchboard.aws.writes import commit
from switchboard.compliance import ledgers
from switchboard.compliance.models import ConsentSource, PassedOptOut
from switchboard.kit import clock
from switchboard.messaging import incoming, store
from switchboard.messaging.models import Author, ConversationStatus, MessageStatus, TextMessage
from switchboard.numbers.models import Number
from switchboard.persistence.collection import next_version
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Tenant, system
from tests.conftest import Skips
from tests.unit.calls.console_calls import save_number
from tests.unit.messaging.desk import CONTACT, make_conversation, make_text
from tests.unit.messaging.inbox import (
    activity_of,
    events_of,
    find_conversation,
    incoming_text,
    opt_out_of,
    receive,
    texts_of,
)


@pytest.fixture
def number(acme: Tenant) -> Number:
    return save_number(acme.org_id)


def kinds(message: TextMessage) -> list[str]:
    return sorted(event.type for event in events_of(message))


def test_the_first_text_begins_a_conversation(number: Number) -> None:
    talk = receive(number, "Hello, are you open?")
    assert (talk.status, talk.unread_count, talk.message_count) == (ConversationStatus.OPEN, 1, 1)
    assert (talk.last_message_body, talk.last_message_direction) == ("Hello, are you open?", "inbound")
    [text] = texts_of(talk)
    assert (text.status, text.author, text.contact_e164) == (MessageStatus.RECEIVED, Author.CONTACT, CONTACT)
    assert text.simulated
    assert kinds(text) == ["conversation.started", "sms.received"]


def test_the_event_of_a_text_holds_no_words_and_no_number(number: Number) -> None:
    [text] = texts_of(receive(number, "My secret"))
    told = next(event for event in events_of(text) if event.type == "sms.received")
    assert told.data["media"] == 0
    assert "keyword" not in told.data
    assert "My secret" not in told.model_dump_json()
    assert CONTACT[1:] not in told.model_dump_json()


def test_a_repeated_callback_changes_nothing(number: Number, skipped: Skips) -> None:
    one = incoming_text(number)
    incoming.receive_text(one)
    incoming.receive_text(one)
    assert find_conversation(number).message_count == 1
    assert [reason for reason, _ in skipped] == ["the text is stored already"]


def test_texts_that_arrive_in_the_wrong_order_are_listed_by_their_time(
    number: Number, frozen: clock.FrozenClock
) -> None:
    first = incoming_text(number, "first")
    frozen.advance(seconds=1)
    receive(number, "second")
    incoming.receive_text(first)
    talk = find_conversation(number)
    assert [text.body for text in texts_of(talk)] == ["first", "second"]
    assert (talk.last_message_body, talk.unread_count) == ("second", 2)


@pytest.mark.parametrize("status", [ConversationStatus.CLOSED, ConversationStatus.SNOOZED])
def test_a_text_opens_a_closed_or_snoozed_conversation(number: Number, status: ConversationStatus) -> None:
    talk = receive(number)
    later = clock.format_iso(clock.now() + timedelta(days=1))
    facts = {"snoozed_until": later} if status is ConversationStatus.SNOOZED else {}
    commit(store.CONVERSATIONS.save_write(next_version(talk, status=status, **facts)))
    talk = receive(number, "And now?")
    assert (talk.status, talk.snoozed_until) == (ConversationStatus.OPEN, None)
    assert [(entry.kind, entry.before, entry.after) for entry in activity_of(talk)] == [
        ("status", status.value, "open")
    ]
    assert kinds(texts_of(talk)[1]) == ["conversation.reopened", "sms.received"]


def test_texts_of_a_campaign_count_when_their_contact_answers(number: Number) -> None:
    place = make_conversation(number.org_id, number_id=number.id)
    commit(*(store.new_message_write(make_text(place, status=MessageStatus.DELIVERED)) for _ in range(3)))
    assert receive(number).message_count == 4


def test_files_wait_for_their_worker(number: Number) -> None:
    talk = receive(number, "", media_urls=["https://api.twilio.com/1", "https://api.twilio.com/2"])
    [text] = texts_of(talk)
    assert [(one.carrier_url, one.key, one.content_type) for one in text.media] == [
        ("https://api.twilio.com/1", None, "image/png"),
        ("https://api.twilio.com/2", None, "image/png"),
    ]


@pytest.mark.parametrize("body", ["x" * 15_300, "\U0001f600" * 500, "\u202eabc", "a\x00b", ""])
def test_unusual_texts_are_kept(number: Number, body: str) -> None:
    assert texts_of(receive(number, body, segments=100))[0].body == body.replace("\x00", "")


@pytest.mark.parametrize("sender", ["72345", "ACME", "+1", ""])
def test_a_sender_without_a_number_is_kept_and_gets_no_answer(number: Number, sender: str) -> None:
    incoming.receive_text(incoming_text(number, "STOP", sender))
    talk = find_conversation(number, sender or "unknown")
    assert [text.author for text in texts_of(talk)] == [Author.CONTACT]
    assert ledgers.list_opt_outs(number.org_id, 10)[0] == []


def test_a_text_for_an_unknown_number_is_dropped(number: Number, skipped: Skips) -> None:
    other = number.model_copy(update={"id": "num_01jd0000000000000000000009"})
    incoming.receive_text(incoming_text(other))
    incoming.receive_text(incoming_text(number.model_copy(update={"e164": "+14155550100"})))
    assert [reason for reason, _ in skipped] == ["the number is gone", "the text is for another number"]


@pytest.mark.parametrize("body", ["You have the wrong number", "Disliked \u201cSale! Reply STOP to end.\u201d"])
def test_a_wrong_number_and_a_dislike_ask_for_a_person(number: Number, body: str) -> None:
    assert receive(number, body).needs_attention
    assert opt_out_of(number.org_id) is None


def test_a_reaction_to_our_text_is_no_request(number: Number) -> None:
    talk = receive(number, "Loved \u201cSale! Reply STOP to end.\u201d")
    assert not talk.needs_attention
    assert (opt_out_of(number.org_id), len(texts_of(talk))) == (None, 1)


# ---- keywords


def test_stop_opts_out_and_is_confirmed_once(number: Number, frozen: clock.FrozenClock) -> None:
    talk = receive(number, " stop. ")
    entry = opt_out_of(number.org_id)
    assert entry is not None
    assert (entry.source, entry.keyword) == ("keyword", "STOP")
    came, answer = texts_of(talk)
    assert (answer.author, answer.status) == (Author.SYSTEM, MessageStatus.QUEUED)
    assert answer.passes_opt_out == PassedOptOut(created_at=entry.created_at)
    assert answer.body == "Acme: You are unsubscribed and get no more texts. Reply START to get them again."
    assert (talk.message_count, talk.unread_count, talk.needs_attention) == (2, 1, False)
    assert kinds(came) == ["conversation.started", "sms.opt_out", "sms.queued", "sms.received"]
    assert next(one for one in events_of(came) if one.type == "sms.received").data["keyword"] == "stop"
    frozen.advance(seconds=3600)
    assert len(texts_of(receive(number, "STOP"))) == 3, "a second STOP gets no second confirmation"
    assert [(entry.kind, entry.note) for entry in activity_of(talk)] == [("opted_out", "STOP")]


def test_a_request_in_a_sentence_opts_out_and_needs_a_person(number: Number) -> None:
    talk = receive(number, "Who is this? Please stop texting me")
    entry = opt_out_of(number.org_id)
    assert entry is not None
    assert (entry.source, entry.keyword, entry.reason) == ("keyword", None, "asked in a text")
    assert talk.needs_attention
    assert [text.author for text in texts_of(talk)] == [Author.CONTACT, Author.SYSTEM]


def test_an_answer_comes_in_the_language_of_the_keyword(number: Number) -> None:
    assert texts_of(receive(number, "Alto"))[1].body.startswith("Acme: Ya no recibira mensajes.")


def test_start_ends_an_opt_out(number: Number, frozen: clock.FrozenClock) -> None:
    receive(number, "STOP")
    frozen.advance(seconds=1)
    talk = receive(number, "start")
    assert opt_out_of(number.org_id) is None
    assert texts_of(talk)[-1].body == "Acme: You get texts again. Reply HELP for help, STOP to end them."
    assert [entry.kind for entry in activity_of(talk)] == ["opted_out", "opted_in"]


def test_yes_is_a_keyword_only_after_an_opt_out(number: Number, frozen: clock.FrozenClock) -> None:
    assert len(texts_of(receive(number, "Yes"))) == 1
    receive(number, "STOP")
    frozen.advance(seconds=1)
    receive(number, "Yes")
    assert opt_out_of(number.org_id) is None


def test_a_start_from_before_the_latest_stop_changes_nothing(number: Number, frozen: clock.FrozenClock) -> None:
    receive(number, "STOP")
    frozen.advance(seconds=10)
    start = incoming_text(number, "START")
    frozen.advance(seconds=10)
    receive(number, "STOP")
    frozen.advance(seconds=10)
    incoming.receive_text(start)
    assert opt_out_of(number.org_id) is not None
    assert [text.author for text in texts_of(find_conversation(number))].count(Author.SYSTEM) == 1


def test_help_tells_the_organizations_name_and_contact(acme: Tenant, number: Number, frozen: clock.FrozenClock) -> None:
    organizations.update_organization(
        system(acme.org_id),
        organizations.get_organization(acme.org_id),
        {"contact_phone": "+1 212 555 0100", "contact_email": "help@acme.example"},
    )
    talk = receive(number, "HELP")
    assert texts_of(talk)[1].body == (
        "Acme: Help: +1 212 555 0100 or help@acme.example. Reply STOP to get no more texts."
    )
    assert len(texts_of(receive(number, "Info"))) == 3, "one answer within five minutes"
    frozen.advance(seconds=301)
    assert len(texts_of(receive(number, "help!"))) == 5


def test_help_is_answered_after_an_opt_out(number: Number) -> None:
    receive(number, "STOP")
    assert texts_of(receive(number, "HELP"))[-1].body == (
        "Acme: For help, reply to this text. Reply STOP to get no more texts."
    )
    assert opt_out_of(number.org_id) is not None


@pytest.mark.parametrize(("said", "opted_out"), [("STOP", True), ("HELP", False), ("START", False)])
def test_a_keyword_that_the_carrier_answered_gets_no_second_answer(number: Number, said: str, opted_out: bool) -> None:
    talk = receive(number, "a word of the carrier's own list", opt_out_type=said)
    assert [text.author for text in texts_of(talk)] == [Author.CONTACT]
    assert (opt_out_of(number.org_id) is not None) is opted_out


def test_a_late_keyword_counts_and_gets_no_answer(number: Number, frozen: clock.FrozenClock) -> None:
    late = incoming_text(number, "STOP")
    frozen.advance(seconds=301)
    incoming.receive_text(late)
    assert opt_out_of(number.org_id) is not None
    assert len(texts_of(find_conversation(number))) == 1


def test_a_blocked_contact_gets_no_answer(number: Number) -> None:
    ledgers.block_number(system(number.org_id), CONTACT)
    assert len(texts_of(receive(number, "HELP"))) == 1
    assert len(texts_of(receive(number, "STOP"))) == 2
    assert opt_out_of(number.org_id) is not None


def test_a_costly_number_is_heard_and_gets_no_answer(number: Number) -> None:
    assert len(texts_of(receive(number, "HELP", "+19005551234"))) == 1


@pytest.mark.parametrize(("provider", "counted"), [("twilio", 3), ("simulator", 0)])
def test_received_segments_are_counted(acme: Tenant, provider: str, counted: int) -> None:
    receive(save_number(acme.org_id, provider=provider), segments=3)
    assert usage.get_monthly_usage(acme.org_id).units.get(Meter.SMS_RECEIVED, 0) == counted


# ---- consent


def consent_of(org_id: str) -> ConsentSource | None:
    found = reads.read_ref(ledgers.consent_ref(org_id, CONTACT))
    return found.source if found else None


def day_of(org_id: str) -> str | None:
    found = reads.read_ref(ledgers.consent_ref(org_id, CONTACT))
    return found.date if found else None


def test_the_first_text_is_a_consent(acme: Tenant) -> None:
    number = save_number(acme.org_id, provider="twilio")
    talk = receive(number)
    assert consent_of(acme.org_id) is ConsentSource.CUSTOMER_INITIATED
    assert "consent.recorded" in kinds(texts_of(talk)[0])
    assert "consent.recorded" not in kinds(texts_of(receive(number))[1])


def test_a_later_text_renews_its_consent_once_a_day(acme: Tenant, frozen: clock.FrozenClock) -> None:
    number = save_number(acme.org_id, provider="twilio")
    receive(number)
    frozen.advance(days=95)
    receive(number, "STOP")
    assert day_of(acme.org_id) == "2026-01-15"
    receive(number, "START")
    assert day_of(acme.org_id) == "2026-04-20"
    talk = receive(number, "Hello again.")
    assert ["consent.recorded" in kinds(text) for text in texts_of(talk) if text.direction == "inbound"] == [
        True,
        False,
        True,
        False,
    ]


def test_a_late_text_makes_a_consent_no_older(acme: Tenant, frozen: clock.FrozenClock) -> None:
    number = save_number(acme.org_id, provider="twilio")
    frozen.advance(days=5)
    receive(number)
    receive(number, received_at="2026-01-17T12:00:00.000Z")
    assert day_of(acme.org_id) == "2026-01-20"


def test_a_known_consent_stays(acme: Tenant, frozen: clock.FrozenClock) -> None:
    number = save_number(acme.org_id, provider="twilio")
    ledgers.record_consent(system(acme.org_id), CONTACT, ConsentSource.WEB_FORM)
    receive(number)
    frozen.advance(days=95)
    receive(number)
    assert (consent_of(acme.org_id), day_of(acme.org_id)) == (ConsentSource.WEB_FORM, "2026-01-15")


@pytest.mark.parametrize(
    ("provider", "body"),
    [("twilio", "STOP"), ("twilio", "stop texting me"), ("twilio", "Wrong number!"), ("simulator", "Hi")],
)
def test_a_stop_and_a_simulated_person_give_no_consent(acme: Tenant, provider: str, body: str) -> None:
    number = save_number(acme.org_id, provider=provider)
    receive(number, body)
    assert consent_of(acme.org_id) is None
