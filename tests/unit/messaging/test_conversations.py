"""Conversations as the console starts and changes them."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from switchboard.aws.writes import commit
from switchboard.compliance import ledgers
from switchboard.contacts import service as contacts
from switchboard.kit import clock
from switchboard.messaging import conversations, store
from switchboard.messaging.conversations import NewConversation
from switchboard.messaging.drafts import TextDraft
from switchboard.numbers import store as number_store
from switchboard.numbers.models import NumberCapabilities, NumberStatus
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, system, tenant
from tests.integration.sabotage import Sabotage
from tests.unit.calls.console_calls import save_flow, save_number
from tests.unit.messaging.console_texts import (
    Ask,
    ask_as,
    find_conversation,
    list_event_types,
    save_conversation,
    save_text,
)
from tests.unit.messaging.desk import CONTACT, make_conversation, make_text

PATH = "/sms/conversations"


def _file(**facts: Any) -> dict[str, Any]:
    """Returns a text with one file."""
    return {"media": [{"url": "https://example.com/a.jpg", **facts}]}


@pytest.fixture
def ask(ada: Member) -> Ask:
    return ask_as(ada)


def test_a_conversation_has_the_form_of_the_contract(acme: Tenant, ask: Ask) -> None:
    number = save_number(acme.org_id)
    order = {"twilio_number_id": number.id, "contact_e164": CONTACT}
    status, made = ask("POST", PATH, order)
    assert (status, made.pop("initial_message")) == (201, None)
    assert made == {
        "id": made["id"],
        "twilio_number_id": number.id,
        "number_e164": number.e164,
        "contact_e164": CONTACT,
        "contact": None,
        "flow_id": None,
        "status": "open",
        "snoozed_until": None,
        "assigned_user_id": None,
        "ai_paused": False,
        "needs_attention": False,
        "unread_count": 0,
        "message_count": 0,
        "last_message_at": None,
        "last_message_body": None,
        "last_message_direction": None,
        "opted_out": False,
        "simulated": True,
        "metadata": {},
        "created_at": clock.now_iso(),
        "updated_at": clock.now_iso(),
    }
    assert ask("GET", f"{PATH}/{made['id']}") == (200, made)
    assert ask("POST", PATH, order) == (200, made | {"initial_message": None})


def test_a_conversation_shows_the_contact_and_the_opt_out(acme: Tenant, ask: Ask) -> None:
    talk = save_conversation(acme.org_id, CONTACT)
    contact = contacts.upsert_contact(system(acme.org_id), CONTACT, {"display_name": "Ada Lovelace"}).contact
    ledgers.record_opt_out(system(acme.org_id), CONTACT, "keyword", "STOP")
    for found in (ask("GET", f"{PATH}/{talk.id}")[1], ask("GET", PATH)[1]["conversations"][0]):
        assert found["contact"] == {"id": contact.id, "display_name": "Ada Lovelace"}
        assert found["opted_out"] is True


def test_a_first_text_is_sent_with_the_conversation(acme: Tenant, ask: Ask) -> None:
    order = {"twilio_number_id": save_number(acme.org_id).id, "contact_e164": CONTACT}
    status, made = ask("POST", PATH, order | {"initial_message": {"body": "Hello Ada."}})
    assert status == 201
    sent = made["initial_message"]
    assert (sent["status"], sent["error"], sent["message"]["body"]) == ("queued", None, "Hello Ada.")
    assert (made["message_count"], made["last_message_body"]) == (1, "Hello Ada.")
    status, again = ask("POST", PATH, order | {"initial_message": {"body": "Me again."}})
    assert (status, again["id"], again["message_count"]) == (200, made["id"], 2)


def test_a_refused_first_text_leaves_the_conversation(acme: Tenant, ask: Ask) -> None:
    ledgers.record_opt_out(system(acme.org_id), CONTACT, "keyword", "STOP")
    order = {"twilio_number_id": save_number(acme.org_id).id, "contact_e164": CONTACT}
    status, made = ask("POST", PATH, order | {"initial_message": {"body": "Hello."}})
    assert status == 201
    assert made["initial_message"]["status"] == "refused"
    assert made["initial_message"]["error"]["code"] == "opted_out"
    assert ask("GET", f"{PATH}/{made['id']}")[1]["message_count"] == 0


def test_a_first_text_with_a_bad_content_creates_nothing(acme: Tenant, ask: Ask) -> None:
    order = {"twilio_number_id": save_number(acme.org_id).id, "contact_e164": CONTACT}
    for first in ({}, {"body": " "}, {"body": "x" * 1601}, {"media": [{"url": "http://example.com/a.png"}]}):
        assert ask("POST", PATH, order | {"initial_message": first})[0] == 400, first
    assert ask("GET", PATH)[1]["conversations"] == []


@pytest.mark.parametrize(
    ("message", "field", "problem"),
    [
        ({"body": "a\x07b"}, "initial_message.body", "U+0007"),
        ({"body": ""}, "initial_message.body", "must not be empty"),
        ({"media": [{"url": "http://10.0.0.1/a"}]}, "initial_message.media.0.url", "must"),
        (_file(content_type="a" * 121), "initial_message.media.0.content_type", "at most 120 characters"),
        (_file(content_type="image/png\r\nX: y"), "initial_message.media.0.content_type", "U+000D"),
        ({"body": "x", "honor_quiet_hours": "yes"}, "initial_message.honor_quiet_hours", "true or false"),
        ({"body": "x", "honor_quiet_hours": 1}, "initial_message.honor_quiet_hours", "true or false"),
    ],
)
def test_a_fault_of_the_first_text_is_named_by_its_place(
    acme: Tenant, ask: Ask, message: dict[str, Any], field: str, problem: str
) -> None:
    order = {"twilio_number_id": save_number(acme.org_id).id, "contact_e164": CONTACT}
    status, refusal = ask("POST", PATH, order | {"initial_message": message})
    assert status == 400
    (told,) = refusal["details"]
    assert told["field"] == field
    assert problem in told["message"]


def test_a_file_may_have_no_media_type(acme: Tenant, ask: Ask) -> None:
    order = {"twilio_number_id": save_number(acme.org_id, mms=True).id, "contact_e164": CONTACT}
    status, made = ask("POST", PATH, order | {"initial_message": _file()})
    assert (status, made["initial_message"]["status"]) == (201, "queued")
    status, sent = ask("POST", f"{PATH}/{made['id']}/messages", _file())
    assert (status, sent["message"]["media"][0]["content_type"]) == (200, None)


def test_a_repeated_request_starts_and_sends_once(acme: Tenant, ask: Ask) -> None:
    order = {
        "twilio_number_id": save_number(acme.org_id).id,
        "contact_e164": CONTACT,
        "initial_message": {"body": "Hi"},
    }
    first, second = (ask("POST", PATH, order, idempotency_key="k1") for _ in range(2))
    assert first == second
    assert ask("GET", f"{PATH}/{first[1]['id']}")[1]["message_count"] == 1


def test_a_new_conversation_may_have_an_assignee_and_a_flow(acme: Tenant, ada: Member, ask: Ask) -> None:
    save_number(acme.org_id)
    flow = save_flow(acme.org_id)
    number = save_number(acme.org_id, "+12125550101")
    order = {"twilio_number_id": number.id, "contact_e164": CONTACT}
    status, made = ask("POST", PATH, order | {"assigned_user_id": ada.user_id, "flow_id": flow.id.upper()})
    assert (status, made["assigned_user_id"], made["flow_id"]) == (201, ada.user_id, flow.id)
    # The existing one stays as it is.
    assert ask("POST", PATH, order | {"assigned_user_id": None})[1]["assigned_user_id"] == ada.user_id


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"contact_e164": "+12125550100"}, 400, "contact_is_own_number"),
        ({"contact_e164": "4155550142"}, 400, "invalid_request"),
        ({"contact_e164": "+9990000000000"}, 400, "invalid_number"),
        ({"twilio_number_id": "num_01kfe2v7g0hjkmnpqrstvwxyz0"}, 404, "not_found"),
        ({"assigned_user_id": "usr_01kfe2v7g0hjkmnpqrstvwxyz0"}, 400, "unknown_member"),
        ({"flow_id": "0f8fad5b-d9cb-469f-a165-70867728950e"}, 400, "unknown_flow"),
        ({"flow_id": "front-desk"}, 400, "unknown_flow"),
    ],
)
def test_a_wrong_order_is_refused(acme: Tenant, ask: Ask, wrong: dict[str, str], status: int, code: str) -> None:
    order = {"twilio_number_id": save_number(acme.org_id).id, "contact_e164": CONTACT}
    found, refusal = ask("POST", PATH, order | wrong)
    assert (found, refusal["code"]) == (status, code)
    assert ask("GET", PATH)[1]["conversations"] == []


def test_a_number_needs_texts_and_belongs_to_the_organization(acme: Tenant, ask: Ask) -> None:
    released = save_number(acme.org_id, "+12125550101", status=NumberStatus.RELEASED)
    other = save_number(tenant("other").org_id, "+12125550102")
    for number, status, code in ((released, 400, "number_released"), (other, 404, "not_found")):
        found, refusal = ask("POST", PATH, {"twilio_number_id": number.id, "contact_e164": CONTACT})
        assert (found, refusal["code"]) == (status, code)


def test_a_conversation_is_assigned_closed_and_reopened(acme: Tenant, ada: Member, bob: Member, ask: Ask) -> None:
    talk = save_conversation(acme.org_id, CONTACT, "Hello.", needs_attention=True)
    path = f"{PATH}/{talk.id}"
    marks = {"x_correlation_id": "corr_c"}
    assert ask("PATCH", path, {"assigned_user_id": bob.user_id, "ai_paused": True}, **marks)[0] == 200
    for _ in range(2):
        assert ask("POST", f"{path}/close", **marks) == (200, {"ok": True})
    closed = find_conversation(talk)
    assert (closed.status, closed.needs_attention) == ("closed", False)
    assert ask("POST", f"{path}/reopen", **marks) == (200, {"ok": True})
    assert ask("POST", f"{path}/read", **marks) == (200, {"ok": True})
    assert ask("PATCH", path, {"assigned_user_id": None}, **marks)[1]["assigned_user_id"] is None
    assert find_conversation(talk).unread_count == 0
    assert list_event_types(acme.org_id, "corr_c") == [
        "conversation.assigned",
        "conversation.assigned",
        "conversation.closed",
        "conversation.reopened",
        "conversation.updated",
        "conversation.updated",
    ]
    entries = ask("GET", f"{path}/activity")[1]["activity"]
    assert {entry["actor"]["name"] for entry in entries} == {"Ada"}
    assert [(entry["kind"], entry["before"], entry["after"]) for entry in entries] == [
        ("assigned", bob.user_id, None),
        ("status", "closed", "open"),
        ("status", "open", "closed"),
        ("ai_paused", "false", "true"),
        ("assigned", None, bob.user_id),
    ]


def test_a_change_without_a_difference_changes_nothing(acme: Tenant, ask: Ask) -> None:
    talk = save_conversation(acme.org_id, CONTACT, metadata={"a": 1})
    same: list[dict[str, Any]] = [{}, {"status": "open"}, {"snoozed_until": None}, {"metadata": {"a": 1, "b": None}}]
    for changes in same:
        assert ask("PATCH", f"{PATH}/{talk.id}", changes)[0] == 200, changes
    assert find_conversation(talk) == talk


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "snoozed"},
        {"status": "snoozed", "snoozed_until": None},
        {"status": "open", "snoozed_until": "2026-01-16T00:00:00Z"},
        {"snoozed_until": "2026-01-16T00:00:00Z"},
        {"status": "snoozed", "snoozed_until": "2026-01-15T17:00:00Z"},
        {"status": "snoozed", "snoozed_until": "2026-04-15T17:00:01Z"},
        {"status": "snoozed", "snoozed_until": "2026-01-16T00:00:00"},
        {"status": "done"},
        {"status": None},
        {"ai_paused": 1},
        {"ai_paused": None},
        {"assigned_user_id": "usr_01kfe2v7g0hjkmnpqrstvwxyz0"},
        {"flow_id": "0f8fad5b-d9cb-469f-a165-70867728950e"},
        {"metadata": None},
        {"metadata": []},
        {"metadata": {"a": "x" * 16_384}},
        {"metadata": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {}}}}}}}}}},
        {"unread_count": 0},
        {"contact_e164": "+14155550199"},
    ],
)
def test_a_bad_change_is_refused(acme: Tenant, ask: Ask, changes: dict[str, Any]) -> None:
    talk = save_conversation(acme.org_id, CONTACT)
    status, refusal = ask("PATCH", f"{PATH}/{talk.id}", changes)
    assert (status, refusal["error"]) == (400, "invalid_request")
    assert find_conversation(talk) == talk


def test_metadata_is_merged_and_stays_small(acme: Tenant, ask: Ask) -> None:
    talk = save_conversation(
        acme.org_id, CONTACT, metadata={"previous_response_id": "r1", "outcomes": {"a": 1, "b": 2}}
    )
    changes = {"metadata": {"ticket": "T-1", "outcomes": {"a": None, "c": [1.5, None]}}}
    status, found = ask("PATCH", f"{PATH}/{talk.id}", changes)
    assert (status, found["metadata"]) == (
        200,
        {"previous_response_id": "r1", "outcomes": {"b": 2, "c": [1.5, None]}, "ticket": "T-1"},
    )
    assert ask("PATCH", f"{PATH}/{talk.id}", {"metadata": {"big": "x" * 9_000}})[0] == 200
    status, refusal = ask("PATCH", f"{PATH}/{talk.id}", {"metadata": {"bigger": "x" * 9_000}})
    assert (status, refusal["code"]) == (400, "invalid_metadata")


def test_texts_of_a_campaign_are_there_before_their_conversation(acme: Tenant, ask: Ask) -> None:
    number = save_number(acme.org_id)
    talk = make_conversation(acme.org_id, CONTACT, number.id)
    path = f"{PATH}/{talk.id}"
    assert ask("GET", f"{path}/messages")[0] == 404
    earlier = [make_text(talk, body, campaign_id="cmp_1", recipient=0) for body in ("One.", "Two.")]
    commit(*(store.new_message_write(one) for one in earlier))

    assert ask("GET", path)[0] == 404
    status, page = ask("GET", f"{path}/messages?limit=1")
    assert (status, [one["body"] for one in page["messages"]]) == (200, ["Two."])
    assert ask("GET", f"{path}/messages?before=2020-01-01T00:00:00Z") == (200, {"messages": [], "next_cursor": None})

    order = {"twilio_number_id": number.id, "contact_e164": CONTACT, "initial_message": {"body": "Three."}}
    status, made = ask("POST", PATH, order)
    assert (status, made["id"], made["message_count"], made["last_message_body"]) == (201, talk.id, 3, "Three.")
    assert len(ask("GET", f"{path}/messages")[1]["messages"]) == 3


def test_a_new_conversation_shows_the_newest_text_of_a_campaign(acme: Tenant, ask: Ask) -> None:
    number = save_number(acme.org_id)
    talk = make_conversation(acme.org_id, CONTACT, number.id)
    text = make_text(talk, "One.", campaign_id="cmp_1", recipient=0)
    commit(store.new_message_write(text))
    _, made = ask("POST", PATH, {"twilio_number_id": number.id, "contact_e164": CONTACT})
    shown = (made["message_count"], made["last_message_at"], made["last_message_body"], made["last_message_direction"])
    assert shown == (1, text.created_at, "One.", "outbound")


def test_a_viewer_reads_and_changes_nothing(acme: Tenant, bob: Member) -> None:
    talk = save_conversation(acme.org_id, CONTACT, "Hello.")
    look, path = ask_as(bob), f"{PATH}/{talk.id}"
    for below in ("", "/messages", "/activity"):
        assert look("GET", path + below)[0] == 200
    for method, target, body in (
        ("POST", PATH, {"twilio_number_id": talk.number_id, "contact_e164": CONTACT}),
        ("PATCH", path, {"ai_paused": True}),
        ("POST", f"{path}/messages", {"body": "Hello."}),
        ("POST", f"{path}/read", None),
        ("POST", f"{path}/close", None),
        ("POST", f"{path}/reopen", None),
    ):
        status, refusal = look(method, target, body)
        assert (status, refusal["code"]) == (403, "insufficient_role"), target
    assert find_conversation(talk) == talk


def test_a_conversation_of_another_organization_is_not_found(acme: Tenant, ask: Ask) -> None:
    talk = save_conversation(tenant("other").org_id, CONTACT, "Hello.")
    for method, below, body in (
        ("GET", "", None),
        ("PATCH", "", {"ai_paused": True}),
        ("GET", "/messages", None),
        ("POST", "/messages", {"body": "Hello."}),
        ("POST", "/read", None),
        ("POST", "/close", None),
        ("POST", "/reopen", None),
        ("GET", "/activity", None),
    ):
        assert ask(method, f"{PATH}/{talk.id}{below}", body)[0] == 404, (method, below)
    assert find_conversation(talk) == talk


def test_texts_are_listed_back_in_time(acme: Tenant, ask: Ask, frozen: clock.FrozenClock) -> None:
    talk = save_conversation(acme.org_id, CONTACT)
    for number in range(5):
        frozen.advance(seconds=0.4)
        talk = save_text(talk, f"Text {number}.")
    path = f"{PATH}/{talk.id}/messages"
    status, page = ask("GET", f"{path}?limit=2")
    assert (status, [one["body"] for one in page["messages"]]) == (200, ["Text 4.", "Text 3."])
    by_cursor = ask("GET", f"{path}?limit=2&cursor={page['next_cursor']}")[1]["messages"]
    before = ask("GET", f"{path}?limit=2&before={page['messages'][-1]['created_at']}")[1]
    assert [one["body"] for one in by_cursor] == ["Text 2.", "Text 1."]
    assert before["messages"] == by_cursor
    assert (before["messages"][0]["status"], before["messages"][0]["author"]) == ("received", "contact")
    assert ask("GET", f"{path}?before=1969-01-01T00:00:00Z")[1] == {"messages": [], "next_cursor": None}
    assert len(ask("GET", f"{path}?before=9999-12-31T23:59:59Z")[1]["messages"]) == 5
    for query in ("before=yesterday", "limit=0", "limit=201", "cursor=x"):
        assert ask("GET", f"{path}?{query}")[0] == 400, query


def test_a_text_is_sent_scheduled_or_refused(acme: Tenant, ask: Ask) -> None:
    made = ask("POST", PATH, {"twilio_number_id": save_number(acme.org_id).id, "contact_e164": CONTACT})[1]
    path = f"{PATH}/{made['id']}"
    status, sent = ask("POST", f"{path}/messages", {"body": "Hello."})
    assert (status, sent["ok"], sent["status"], sent["scheduled_message"]) == (200, True, "queued", None)
    assert sent["message"]["status"] == "queued"
    status, later = ask("POST", f"{path}/messages", {"body": "Hello.", "scheduled_at": "2026-01-16T17:00:00Z"})
    assert (status, later["ok"], later["status"], later["message"]) == (202, True, "scheduled", None)
    assert later["scheduled_message"] == {
        "id": later["scheduled_message"]["id"],
        "send_at": "2026-01-16T17:00:00.000Z",
        "reason": "manual",
    }
    ledgers.record_opt_out(system(acme.org_id), CONTACT, "keyword", "STOP")
    status, refusal = ask("POST", f"{path}/messages", {"body": "Hello."})
    assert (status, refusal["error"], refusal["code"]) == (403, "opted_out", "opted_out")
    ask("POST", f"{path}/close")
    status, refusal = ask("POST", f"{path}/messages", {"body": "Hello."})
    assert (status, refusal["code"]) == (400, "conversation_closed")


def test_two_members_change_a_conversation_at_once(acme: Tenant, ada: Member) -> None:
    carol = member(acme.org_id, Role.ADMIN, "Carol")
    talk = save_conversation(acme.org_id, CONTACT)
    ask_as(ada)("PATCH", f"{PATH}/{talk.id}", {"metadata": {"a": 1}})
    ask_as(carol)("PATCH", f"{PATH}/{talk.id}", {"metadata": {"b": 2}})
    assert find_conversation(talk).metadata == {"a": 1, "b": 2}


def test_a_number_without_texts_starts_nothing(acme: Tenant, ask: Ask) -> None:
    number = save_number(acme.org_id)
    silent = number.model_copy(update={"capabilities": NumberCapabilities(voice=True), "version": number.version + 1})
    commit(number_store.NUMBERS.save_write(silent))
    status, refusal = ask("POST", PATH, {"twilio_number_id": number.id, "contact_e164": CONTACT})
    assert (status, refusal["code"]) == (400, "number_without_sms")


def test_a_killed_request_is_completed_by_its_repetition(acme: Tenant, ada: Member) -> None:
    number, saboteur = save_number(acme.org_id), Sabotage()
    for after in count():
        order = NewConversation(number.id, f"+1415555{after:04}")
        one = replace(ada, effect=IdempotencyKey(scope=ada.user_id, key=f"k{after}", fingerprint="f"))
        killed = True
        with saboteur.killing(after):
            conversations.start_conversation(one, order, TextDraft(body="Hello."))
            killed = False
        started = conversations.start_conversation(one, order, TextDraft(body="Hello."))
        assert (started.created, started.row.conversation.message_count, started.refusal) == (True, 1, None)
        if not killed:
            break
    assert after > 4
