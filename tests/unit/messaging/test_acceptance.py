"""Accepting texts: the order of the checks, what one commit holds, and repeated requests."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.models import HardCap
from switchboard.aws.writes import commit
from switchboard.carriers import messages
from switchboard.compliance import ledgers
from switchboard.compliance import service as compliance
from switchboard.compliance.verdicts import Blocked
from switchboard.errors import Invalid, NotFound, QuotaExceeded, Unavailable
from switchboard.messaging import acceptance, store, threads
from switchboard.messaging.drafts import TextDraft
from switchboard.messaging.models import Author, ConversationStatus, MessageStatus, TextMedia
from switchboard.numbers.models import NumberCapabilities
from switchboard.persistence.collection import next_version
from switchboard.usage import service as usage
from tests.actors import Tenant, member, system, tenant
from tests.fakes.texts import FakeMessenger
from tests.integration.sabotage import Sabotage
from tests.unit.messaging.desk import CONTACT, OUR_NUMBER
from tests.unit.messaging.texts_out import (
    Desk,
    give_number,
    list_events,
    open_desk,
    read_again,
    read_talk,
    waiting_jobs,
)

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def desk(acme: Tenant) -> Desk:
    return open_desk(acme)


def test_a_text_is_queued_with_its_charge_its_verdict_and_its_job(desk: Desk) -> None:
    talk = desk.talk_with()
    text = desk.send(talk, "Your table is ready.", purpose="reservation")
    assert (text.status, text.author, text.author_user_id) == (MessageStatus.QUEUED, Author.USER, desk.who.user_id)
    assert (text.segments, text.purpose, text.contact_e164) == (1, "reservation", CONTACT)
    assert read_again(text) == text
    assert desk.spent() == (1, 15_000)
    assert list_events(text.id) == ["sms.queued"]
    assert waiting_jobs("SendText") == 1
    assert compliance.get_verdict(desk.org_id, text.id).find_result("quiet_hours").reason == "not_asked"
    after = read_talk(talk)
    assert (after.message_count, after.last_message_body) == (1, "Your table is ready.")
    assert (after.last_message_direction, after.unread_count) == ("outbound", 0)


def test_a_members_text_pauses_the_ai_once(desk: Desk) -> None:
    talk = desk.talk_with()
    desk.send(talk)
    desk.send(talk)
    assert read_talk(talk).ai_paused
    entries, _ = store.list_activity(desk.org_id, talk.id, 10, None)
    assert [(one.kind, one.before, one.after, one.actor) for one in entries] == [
        ("ai_paused", "false", "true", desk.who.user_id)
    ]
    assert list_events(talk.id) == ["conversation.updated"]


def test_a_closed_conversation_comes_before_an_opt_out(desk: Desk) -> None:
    talk = desk.talk_with(status=ConversationStatus.CLOSED)
    ledgers.record_opt_out(desk.who, CONTACT, "manual")
    with pytest.raises(Invalid) as refused:
        desk.ask(talk)
    assert refused.value.code == "conversation_closed"


@pytest.mark.parametrize("code", ["opted_out", "dnc"])
def test_a_refused_contact_gets_no_text_and_the_refusal_is_explained(desk: Desk, code: str) -> None:
    talk = desk.talk_with()
    if code == "dnc":
        ledgers.block_number(desk.who, CONTACT)
    else:
        ledgers.record_opt_out(desk.who, CONTACT, "manual")
    # Quiet hours do not turn the refusal into a later text.
    with pytest.raises(Blocked) as refused:
        desk.ask(talk, honors_quiet_hours=True)
    assert refused.value.code == code
    assert (read_talk(talk), desk.spent(), waiting_jobs("SendText")) == (talk, (0, 0), 0)
    assert store.list_messages(desk.org_id, talk.id, 10)[0] == []


def test_an_opt_out_before_the_commit_wins(desk: Desk) -> None:
    talk, sabotage = desk.talk_with(), Sabotage()
    with sabotage.counting() as calls:
        desk.ask(talk, "Counted.")
    commits = calls.index("TransactWriteItems")
    other = desk.talk_with("+14155550124")

    def opt_out() -> None:
        ledgers.record_opt_out(desk.who, other.contact_e164, "manual")

    with sabotage.meeting(commits, opt_out), pytest.raises(Blocked) as refused:
        desk.ask(other)
    assert refused.value.details["reason"] == "changed_meanwhile"
    assert read_talk(other).message_count == 0


def test_a_repeated_request_gets_its_first_text_even_if_a_new_one_would_be_refused(desk: Desk) -> None:
    talk = desk.talk_with()
    first = desk.send(talk, effect="key-1")
    ledgers.record_opt_out(desk.who, CONTACT, "manual")
    assert desk.send(talk, effect="key-1").id == first.id
    commit(store.CONVERSATIONS.save_write(next_version(read_talk(talk), status=ConversationStatus.CLOSED)))
    assert desk.send(talk, effect="key-1").id == first.id
    assert desk.spent() == (1, 15_000)


def test_a_request_that_dies_between_two_calls_has_its_effect_once(desk: Desk) -> None:
    sabotage = Sabotage()
    with sabotage.counting() as calls:
        desk.ask(desk.talk_with("+14155550111"), "Counted.", effect="count")
    for place in range(len(calls)):
        talk = desk.talk_with(f"+141555501{20 + place}")
        before = desk.spent()[0]
        with sabotage.killing(place):
            desk.ask(talk, effect=f"key-{place}")
        again = desk.send(talk, effect=f"key-{place}")
        assert read_talk(talk).message_count == 1
        assert (desk.spent()[0], read_again(again).id) == (before + 1, again.id)


def test_two_texts_at_once_are_both_in_the_conversation(desk: Desk) -> None:
    talk, sabotage = desk.talk_with(), Sabotage()

    def second() -> None:
        desk.ask(talk, "Second.")

    with sabotage.meeting(1, second):
        desk.ask(talk, "First.")
    assert read_talk(talk).message_count == 2
    assert len(store.list_messages(desk.org_id, talk.id, 10)[0]) == 2


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        ({"body": ""}, "body"),
        ({"body": "  \n"}, "body"),
        ({"body": "x" * 1_601}, "body"),
        ({"body": "a\x00b"}, "body"),
        ({"body": "", "media": [TextMedia(url=f"https://example.com/{n}.png") for n in range(11)]}, "media"),
        ({"body": "", "media": [TextMedia(url="http://example.com/a.png")]}, "media.0.url"),
        ({"body": "", "media": [TextMedia(url="https://10.0.0.1/a.png")]}, "media.0.url"),
        ({"body": "", "media": [TextMedia(url="https://files.internal/a.png")]}, "media.0.url"),
        ({"body": "x", "scheduled_at": "2026-01-15T16:58:59Z"}, "scheduled_at"),
        ({"body": "x", "scheduled_at": "2026-04-15T17:00:01Z"}, "scheduled_at"),
        ({"body": "x", "scheduled_at": "tomorrow"}, "scheduled_at"),
        ({"body": "x", "scheduled_at": "2026-02-01T09:00:00"}, "scheduled_at"),
    ],
)
def test_a_bad_content_names_its_field(desk: Desk, draft: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        desk.ask(desk.talk_with(), **draft)
    assert (refused.value.code, list(refused.value.details["fields"])) == ("invalid_text", [field])


@pytest.mark.parametrize(
    "body", ["שלום, מה שלומך?", "\u202eabc\u202c", "👩‍👩‍👧‍👦 hi", "x" * 1_600, "line\r\nline\ttab"]
)
def test_any_language_is_sent(desk: Desk, body: str) -> None:
    assert desk.send(desk.talk_with(), body).body == body


def test_a_time_within_the_last_minute_means_now(desk: Desk) -> None:
    assert desk.send(desk.talk_with(), scheduled_at="2026-01-15T16:59:30Z").status is MessageStatus.QUEUED


def test_media_alone_are_a_text_of_one_segment(desk: Desk) -> None:
    text = desk.send(desk.talk_with(), "", media=[TextMedia(url="https://Example.com/a b.png".replace(" ", "%20"))])
    assert (text.segments, text.media[0].url) == (1, "https://example.com/a%20b.png")


@pytest.mark.parametrize("contact", ["AMAZON", "+12345", "28777", "+19005550123"])
def test_a_contact_that_is_no_ordinary_number_gets_no_text(desk: Desk, contact: str) -> None:
    with pytest.raises(Invalid) as refused:
        desk.ask(desk.talk_with(contact))
    assert refused.value.code == "contact_not_textable"


def test_our_own_numbers_get_no_text_but_those_of_other_organizations_do(desk: Desk) -> None:
    give_number(desk.org_id, "+14155550177")
    with pytest.raises(Invalid) as refused:
        desk.ask(desk.talk_with("+14155550177"))
    assert refused.value.code == "contact_is_own_number"
    give_number(tenant("other").org_id, "+14155550178")
    assert desk.send(desk.talk_with("+14155550178"))


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"status": "released"}, "number_released"),
        ({"capabilities": NumberCapabilities(voice=True)}, "number_without_sms"),
        ({"capabilities": NumberCapabilities(sms=True)}, "number_without_mms"),
    ],
)
def test_the_number_must_be_able_to_send_it(acme: Tenant, facts: dict[str, Any], code: str) -> None:
    desk = open_desk(acme, **facts)
    with pytest.raises(Invalid) as refused:
        desk.ask(desk.talk_with(), media=[TextMedia(url="https://example.com/a.png")])
    assert refused.value.code == code


def test_without_a_carrier_only_simulated_numbers_send(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "messenger_name", lambda simulated: "simulator" if simulated else "none")
    desk = open_desk(acme)
    with pytest.raises(Unavailable) as refused:
        desk.ask(desk.talk_with())
    assert refused.value.code == "no_carrier"
    simulated = Desk(desk.who, give_number(acme.org_id, "+14155550198", provider="simulator"))
    text = simulated.send(simulated.talk_with())
    assert (text.simulated, text.receipt, desk.spent()) == (True, None, (0, 0))


def test_another_organizations_conversation_is_unknown(desk: Desk) -> None:
    talk = desk.talk_with()
    stranger = Desk(member(tenant("other").org_id, name="Eve"), desk.number)
    with pytest.raises(NotFound):
        stranger.ask(talk)


@pytest.mark.parametrize(("number", "cost"), [(OUR_NUMBER, 15_000), ("+18005550199", 20_000)])
def test_each_segment_is_charged_at_the_price_of_the_number(acme: Tenant, number: str, cost: int) -> None:
    desk = open_desk(acme, e164=number)
    assert desk.send(desk.talk_with(), "x" * 161).segments == 2
    assert desk.spent() == (2, 2 * cost)


def test_an_organization_may_save_segments_by_plain_characters(acme: Tenant) -> None:
    body = "\u201cYour table is ready\u201d \u2013 " * 4
    desk = open_desk(acme)
    assert (desk.send(desk.talk_with(), body).body, desk.spent()[0]) == (body, 2)
    organizations.update_organization(
        system(acme.org_id), organizations.get_organization(acme.org_id), {"smart_encoding": True}
    )
    saving = Desk(member(acme.org_id, name="Bea"), desk.number)
    text = saving.send(saving.talk_with("+14155550124"), body)
    assert (text.body, text.segments) == ('"Your table is ready" - ' * 4, 1)
    assert saving.send(saving.talk_with("+14155550125"), f"{body}\u5b57").body == f"{body}\u5b57"


def test_both_kinds_of_numbers_share_the_plans_quota_of_segments(cloud: Any, messenger: FakeMessenger) -> None:
    acme = tenant(text_segments_per_month=3)
    desk = open_desk(acme)
    toll_free = Desk(desk.who, give_number(acme.org_id, "+18005550199"))
    desk.send(desk.talk_with(), "x" * 161)
    with pytest.raises(QuotaExceeded) as full:
        toll_free.ask(toll_free.talk_with(), "x" * 161)
    assert (full.value.code, full.value.details["resource"]) == ("plan_quota", "sms")
    toll_free.send(toll_free.talk_with("+14155550124"))
    with pytest.raises(QuotaExceeded):
        desk.ask(desk.talk_with("+14155550125"))
    assert desk.spent() == (3, 50_000)


def test_the_organizations_cap_refuses_a_text(acme: Tenant) -> None:
    cap = HardCap(enabled=True, monthly_cap_cents=2)
    usage.set_hard_cap(system(acme.org_id), organizations.get_organization(acme.org_id), cap)
    desk = open_desk(acme)
    desk.send(desk.talk_with())
    with pytest.raises(QuotaExceeded) as full:
        desk.ask(desk.talk_with("+14155550124"))
    assert full.value.code == "hard_cap"


def test_the_ai_rests_on_the_contacts_consent_and_stays_out_of_a_taken_over_conversation(desk: Desk) -> None:
    org = organizations.get_organization(desk.org_id)
    talk = desk.talk_with(last_inbound_at="2025-12-20T12:00:00.000Z")

    def reply() -> acceptance.SentText:
        return acceptance.send_reply(org, talk.id, TextDraft(body="Hi!"), correlation_id="corr_ai")

    sent = reply().message
    assert sent is not None
    assert (sent.author, sent.honors_quiet_hours, sent.correlation_id) == (Author.AI, True, "corr_ai")
    consent = compliance.get_verdict(desk.org_id, sent.id).find_result("consent").details
    assert (consent["source"], consent["from"]) == ("customer-initiated", f"conversation:{talk.id}")
    # Our own text does not make the consent younger.
    assert consent["since"] == "2025-12-20"
    assert not read_talk(talk).ai_paused
    desk.send(talk)
    with pytest.raises(Invalid) as paused:
        reply()
    assert paused.value.code == "ai_paused"


def test_an_answer_to_a_keyword_is_queued_above_every_limit(cloud: Any, messenger: FakeMessenger) -> None:
    acme = tenant(text_segments_per_month=0)
    desk = open_desk(acme)
    talk, org = desk.talk_with(), organizations.get_organization(acme.org_id)
    message, writes = acceptance.system_text_writes(
        org, talk, "You are unsubscribed.", answer_by="2026-12-01T00:00:00.000Z", correlation_id="corr_1"
    )
    commit(writes, store.CONVERSATIONS.save_write(next_version(talk, **threads.add_message(talk, message))))
    assert read_again(message).answer_by == "2026-12-01T00:00:00.000Z"
    assert desk.spent() == (1, 15_000)
    assert read_talk(talk).message_count == 1


def test_a_text_costs_four_requests_until_it_is_queued(desk: Desk) -> None:
    # The first text of a month also borrows a part of the quota for a slice.
    desk.ask(desk.talk_with("+14155550124"))
    talk = desk.talk_with()
    with Sabotage().counting() as calls:
        desk.ask(talk)
    assert sorted(calls) == ["BatchGetItem", "BatchGetItem", "GetItem", "TransactWriteItems"]
