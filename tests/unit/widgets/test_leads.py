"""The end of leads, with their copies in calls, and the consent of visitors."""

from __future__ import annotations

from datetime import timedelta

import pytest

from switchboard.aws import reads
from switchboard.calls import store as calls_store
from switchboard.calls import visitors
from switchboard.errors import NotFound
from switchboard.flows.models import Flow
from switchboard.kit import clock
from switchboard.persistence.collection import next_version
from switchboard.team.models import Member
from switchboard.timers import store as timers_store
from switchboard.widgets import leads, service
from switchboard.widgets.jobs import EraseLead
from switchboard.widgets.models import CONSENT_TEXT, Lead, WidgetSession, WidgetToken
from tests.actors import Tenant, system
from tests.unit.call_records.desk import Ask, ask_as
from tests.unit.contacts.book import list_workflow_events
from tests.unit.widgets.desk import FORM, SHOP, ask_page, do, find_call, make_token, start

ADA = {"name": "Ada", "email": "ada@example.com", "phone": "+14155550142"}


@pytest.fixture
def ask(ada: Member) -> Ask:
    return ask_as(ada, "hum/widget_tokens")


def only_lead(token: WidgetToken) -> Lead:
    ((lead,), _) = leads.list_leads(token.org_id, token.id, 10)
    return lead


def has_timer(lead: Lead) -> bool:
    assert lead.timer
    return reads.get_item("activity", timers_store.parse_ref(lead.timer)) is not None


def assert_forgotten(session: WidgetSession) -> None:
    """The call and its session stay, without what the visitor entered."""
    call = find_call(session)
    assert call.widget is not None
    assert (call.widget.session_id, call.widget.origin) == (session.id, SHOP)
    assert (call.widget.lead_id, call.widget.name, call.widget.email, call.widget.phone) == (None,) * 4
    stored = reads.get_item("activity", calls_store.call_ref(call.org_id, call.id).key)
    assert "Ada" not in repr(stored)
    assert "ada@example.com" not in repr(stored)


def test_a_member_deletes_a_lead_and_its_copy_in_the_call(ask: Ask, token: WidgetToken) -> None:
    session = start(token, **ADA).session
    kept = start(token, name="Bob").session
    lead = next(one for one in leads.list_leads(token.org_id, token.id, 10)[0] if one.name == "Ada")
    assert has_timer(lead)
    path = f"/widget-tokens/{token.id}/leads"

    assert ask("DELETE", f"{path}/{lead.id}", x_correlation_id="corr_erase") == (200, {"ok": True})

    assert [one["name"] for one in ask("GET", path)[1]["leads"]] == ["Bob"]
    assert_forgotten(session)
    assert find_call(kept).widget.name == "Bob"  # type: ignore[union-attr]
    assert not has_timer(lead)
    told = [(one.type, one.data) for one in list_workflow_events(token.org_id, "corr_erase")]
    assert told == [("widget.lead_deleted", {"token": token.id, "call": session.call_id})]
    assert ask("DELETE", f"{path}/{lead.id}")[0] == 404


def test_a_repeated_deletion_is_the_first_one(ask: Ask, token: WidgetToken) -> None:
    start(token, **ADA)
    path = f"/widget-tokens/{token.id}/leads/{only_lead(token).id}"
    answers = [ask("DELETE", path, idempotency_key="key-1") for _ in range(2)]
    assert answers == [(200, {"ok": True})] * 2


def test_a_lead_is_deleted_at_the_end_of_its_time(flow: Flow, frozen: clock.FrozenClock) -> None:
    token = make_token(flow, lead_retention_days=30)
    session = start(token, **ADA).session
    lead = only_lead(token)
    assert lead.kept_until == clock.format_iso(clock.now() + timedelta(days=30))
    assert has_timer(lead)
    frozen.advance(days=30)

    job = EraseLead(org_id=token.org_id, token_id=token.id, lead_id=lead.id)
    do(job)
    do(job)

    assert leads.list_leads(token.org_id, token.id, 10) == ([], None)
    assert_forgotten(session)


def test_a_change_of_the_days_is_for_later_leads(token: WidgetToken, frozen: clock.FrozenClock) -> None:
    start(token, name="Ada")
    changed = service.update_token(system(token.org_id), token.id, {"lead_retention_days": 7})
    start(changed, name="Bob")
    until = {lead.name: lead.kept_until for lead in leads.list_leads(token.org_id, token.id, 10)[0]}
    assert until == {
        "Ada": clock.format_iso(clock.now() + timedelta(days=365)),
        "Bob": clock.format_iso(clock.now() + timedelta(days=7)),
    }


def test_a_call_that_changes_meanwhile_is_read_again(token: WidgetToken, monkeypatch: pytest.MonkeyPatch) -> None:
    session = start(token, **ADA).session
    forget = visitors.forget_visitor_write
    read: list[str] = []

    def meddle(org_id: str, call_id: str) -> object:
        found = forget(org_id, call_id)
        if not read:
            calls_store.CALLS.change_object(org_id, call_id, lambda call: (next_version(call, after_hours=True), []))
        read.append(call_id)
        return found

    monkeypatch.setattr(visitors, "forget_visitor_write", meddle)
    leads.delete_lead(system(token.org_id), token.id, only_lead(token).id)
    assert (len(read), find_call(session).after_hours) == (2, True)
    assert_forgotten(session)


def test_a_lead_of_another_organization_or_token_is_unknown(token: WidgetToken, flow: Flow, acme: Tenant) -> None:
    start(token, **ADA)
    lead = only_lead(token)
    for org_id, token_id in ((acme.org_id, make_token(flow).id), ("org_other", token.id)):
        with pytest.raises(NotFound):
            leads.delete_lead(system(org_id), token_id, lead.id)
    assert only_lead(token) == lead


def test_a_visitor_reads_the_notice_and_the_policy_of_the_token(flow: Flow) -> None:
    usual = ask_page("GET", "/config", make_token(flow).public_key).body
    assert "recorded" in usual["notice"]
    assert (usual["consent_text"], usual["privacy_url"]) == (CONSENT_TEXT, None)
    own = {
        "notice": "Habla una voz artificial.",
        "consent_text": "Acepto.",
        "privacy_url": "https://shop.example/legal",
    }
    config = ask_page("GET", "/config", make_token(flow, **own).public_key).body
    assert {name: config[name] for name in own} == own
    without = make_token(flow, lead_fields=[FORM[0].model_dump()], consent_text="Acepto.")
    assert ask_page("GET", "/config", without.public_key).body["consent_text"] is None


def test_a_consent_is_stored_with_its_words_and_time(ask: Ask, flow: Flow) -> None:
    token = make_token(flow, consent_text="Call me.")
    sent = {"lead": ADA, "consent": "Call me."}
    assert ask_page("POST", "/sessions", token.public_key, sent).status == 200
    (lead,) = ask("GET", f"/widget-tokens/{token.id}/leads")[1]["leads"]
    assert lead["consent"] == {"text": "Call me.", "given_at": clock.now_iso()}


def test_a_talk_needs_no_consent_and_a_consent_needs_a_number(token: WidgetToken) -> None:
    assert ask_page("POST", "/sessions", token.public_key, {"lead": ADA}).status == 200
    without = {"lead": {"name": "Bob"}, "consent": CONSENT_TEXT}
    assert ask_page("POST", "/sessions", token.public_key, without).status == 200
    assert [lead.consent for lead in leads.list_leads(token.org_id, token.id, 10)[0]] == [None, None]


def test_a_consent_in_other_words_is_refused(token: WidgetToken, flow: Flow) -> None:
    no_phone = make_token(flow, lead_fields=[FORM[0].model_dump()])
    for of, lead, words in ((token, ADA, "Yes."), (no_phone, {"name": "Ada"}, CONSENT_TEXT)):
        answer = ask_page("POST", "/sessions", of.public_key, {"lead": lead, "consent": words})
        assert (answer.status, answer.body["code"]) == (400, "invalid_lead")
        assert [detail["field"] for detail in answer.body["details"]] == ["consent"]
        assert leads.list_leads(of.org_id, of.id, 10) == ([], None)
