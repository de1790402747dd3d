"""HUM's `/api/widget-tokens*`, as an admin's browser uses it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from switchboard.calls.models import State
from switchboard.flows import changes as flow_changes
from switchboard.kit import clock
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from switchboard.widgets import service
from switchboard.widgets.jobs import EndSession
from switchboard.widgets.models import WidgetToken
from tests.actors import Tenant, member, system, tenant
from tests.tables import each
from tests.unit.call_records.desk import Ask, ask_as
from tests.unit.contacts.book import list_workflow_events
from tests.unit.widgets.desk import do, find_call, make_flow, start
from tests.unit.widgets.test_lifecycle import names, report

TOKENS = "/widget-tokens"
INPUT = {"name": "Shop", "allowed_origins": ["https://shop.example"]}


@pytest.fixture
def ask(ada: Member) -> Ask:
    return ask_as(ada, "hum/widget_tokens")


def test_a_token_has_the_defaults_of_the_contract(ask: Ask) -> None:
    status, made = ask("POST", TOKENS, INPUT)
    assert status == 200
    assert made["id"].startswith("wgt_")
    assert made["public_key"].startswith("whk_")
    assert {name: value for name, value in made.items() if name not in ("id", "public_key")} == {
        "name": "Shop",
        "default_flow_id": None,
        "allowed_origins": ["https://shop.example"],
        "captcha_provider": "turnstile",
        "captcha_site_key": None,
        "has_captcha_secret": False,
        "daily_spend_cap_cents": None,
        "per_ip_rate_per_min": 3,
        "max_session_seconds": 300,
        "lead_fields": [],
        "lead_retention_days": 365,
        "notice": None,
        "consent_text": None,
        "privacy_url": None,
        "active": True,
        "revoked_at": None,
        "created_at": clock.now_iso(),
        "updated_at": clock.now_iso(),
    }
    assert ask("GET", TOKENS) == (200, {"widget_tokens": [made]})


@each(
    "change, field",
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"allowed_origins": []}, "allowed_origins"),
        ({"allowed_origins": ["https://a.example"] * 21}, "allowed_origins"),
        ({"allowed_origins": ["https://shop.example/"]}, "allowed_origins.0"),
        ({"allowed_origins": ["https://a.example", "https://*.example"]}, "allowed_origins.1"),
        ({"captcha_provider": "hcaptcha"}, "captcha_provider"),
        ({"captcha_site_key": "x" * 121}, "captcha_site_key"),
        ({"captcha_secret": "0xSECRET"}, "captcha_secret"),
        ({"captcha_site_key": "0xKEY", "captcha_secret": "two words"}, "captcha_secret"),
        ({"daily_spend_cap_cents": -1}, "daily_spend_cap_cents"),
        ({"daily_spend_cap_cents": 1_000_001}, "daily_spend_cap_cents"),
        ({"per_ip_rate_per_min": 0}, "per_ip_rate_per_min"),
        ({"per_ip_rate_per_min": 61}, "per_ip_rate_per_min"),
        ({"max_session_seconds": 29}, "max_session_seconds"),
        ({"max_session_seconds": 1801}, "max_session_seconds"),
        ({"lead_fields": [{"name": "age", "label": "Age"}]}, "lead_fields.0.name"),
        ({"lead_fields": [{"name": "name", "label": ""}]}, "lead_fields.0.label"),
        ({"lead_fields": [{"name": "name", "label": "A"}, {"name": "name", "label": "B"}]}, "lead_fields.1.name"),
        ({"default_flow_id": "flow_1"}, "default_flow_id"),
        ({"lead_retention_days": 0}, "lead_retention_days"),
        ({"lead_retention_days": 1_831}, "lead_retention_days"),
        ({"notice": "x" * 501}, "notice"),
        ({"notice": "two\nlines"}, "notice"),
        ({"consent_text": ""}, "consent_text"),
        ({"privacy_url": ""}, "privacy_url"),
        ({"privacy_url": "http://shop.example/privacy"}, "privacy_url"),
        ({"privacy_url": "javascript:alert(1)"}, "privacy_url"),
    ],
)
def test_a_wrong_field_is_named(ask: Ask, frozen: clock.FrozenClock, change: dict[str, Any], field: str) -> None:
    # A person may send twenty requests a second.
    frozen.advance(seconds=1)
    made = ask("POST", TOKENS, INPUT)[1]
    for method, path, body in (("POST", TOKENS, INPUT | change), ("PATCH", f"{TOKENS}/{made['id']}", change)):
        status, answer = ask(method, path, body)
        assert (status, [detail["field"] for detail in answer["details"]]) == (400, [field]), answer


def test_a_flow_that_places_calls_cannot_talk_with_visitors(ask: Ask, acme: Tenant) -> None:
    outbound = make_flow(acme.org_id, kind="outbound", greeting="Hello")
    status, answer = ask("POST", TOKENS, INPUT | {"default_flow_id": outbound.id})
    assert (status, answer["code"]) == (400, "flow_kind")
    of_others = make_flow(tenant("other").org_id)
    assert ask("POST", TOKENS, INPUT | {"default_flow_id": of_others.id})[1]["code"] == "unknown_flow"


def test_a_change_keeps_the_other_fields(ask: Ask, token: WidgetToken, acme: Tenant) -> None:
    path = f"{TOKENS}/{token.id}"
    before = ask("GET", TOKENS)[1]["widget_tokens"][0]
    status, after = ask("PATCH", path, {"daily_spend_cap_cents": 500, "allowed_origins": ["HTTPS://B.example:443"]})
    assert status == 200
    assert after == before | {"daily_spend_cap_cents": 500, "allowed_origins": ["https://b.example"]}
    assert ask("PATCH", path, {"daily_spend_cap_cents": None})[1]["daily_spend_cap_cents"] is None
    assert ask("PATCH", path, {})[1]["allowed_origins"] == ["https://b.example"]
    # The flow is deleted, and other settings can still change.
    flow_changes.delete_flow(system(acme.org_id), token.default_flow_id or "")
    assert ask("PATCH", path, {"name": "B"})[1]["name"] == "B"


def test_a_revocation_cannot_be_undone(ask: Ask, token: WidgetToken) -> None:
    path = f"{TOKENS}/{token.id}"
    status, revoked = ask("POST", f"{path}/revoke")
    assert (status, revoked["active"], revoked["revoked_at"]) == (200, False, clock.now_iso())
    assert ask("POST", f"{path}/revoke") == (200, revoked)
    assert ask("PATCH", path, {"active": True})[1]["code"] == "widget_token_revoked"
    assert ask("PATCH", path, {"name": "Old"})[0] == 200


def test_the_organization_has_a_limit_of_tokens(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_TOKENS", 2)
    first, _ = (ask("POST", TOKENS, INPUT)[1] for _ in range(2))
    status, answer = ask("POST", TOKENS, INPUT)
    assert (status, answer["code"]) == (402, "widget_token_limit")
    ask("POST", f"{TOKENS}/{first['id']}/revoke")
    assert ask("POST", TOKENS, INPUT)[0] == 200


def test_leads_are_listed_newest_first(ask: Ask, token: WidgetToken, frozen: clock.FrozenClock) -> None:
    for name in ("Ada", "Bob", "Cy"):
        start(token, name=name, phone="+14155550142")
        frozen.advance(seconds=1)
    path = f"{TOKENS}/{token.id}/leads"
    page = ask("GET", path)[1]
    found = page["leads"]
    assert ([lead["name"] for lead in found], page["next_cursor"]) == (["Cy", "Bob", "Ada"], None)
    assert set(found[0]) == {
        *("id", "name", "email", "phone", "notes", "consent", "origin", "call_id", "kept_until", "created_at"),
    }
    first = ask("GET", f"{path}?limit=2")[1]
    assert [lead["name"] for lead in first["leads"]] == ["Cy", "Bob"]
    second = ask("GET", f"{path}?limit=2&cursor={first['next_cursor']}")[1]
    assert ([lead["name"] for lead in second["leads"]], second["next_cursor"]) == (["Ada"], None)
    assert ask("GET", f"{path}?cursor=x")[0] == 400
    for limit in ("0", "201", "x"):
        assert ask("GET", f"{path}?limit={limit}")[0] == 400
    service.revoke_token(system(token.org_id), token.id)
    assert len(ask("GET", path)[1]["leads"]) == 3


def test_the_usage_has_thirty_days_and_what_counts_today(
    ask: Ask, ada: Member, token: WidgetToken, frozen: clock.FrozenClock
) -> None:
    first, second = (start(token, name="Ada").session for _ in range(2))
    report(first, "answered")
    frozen.advance(seconds=61)
    do(EndSession(reason="visitor", **names(first)))
    status, usage = ask("GET", f"{TOKENS}/{token.id}/usage")
    today = usage["days"][-1]
    assert (status, len(usage["days"])) == (200, 30)
    assert today == {"date": clock.now_iso()[:10], "calls": 1, "seconds": 61, "estimated_cents": 14}
    # The second session still reserves five minutes.
    assert (usage["today_cents"], usage["cap_cents"]) == (14 + 35, None)
    frozen.advance(seconds=86_400)
    do(EndSession(reason="limit", **names(second)))
    later = ask_as(ada, "hum/widget_tokens")("GET", f"{TOKENS}/{token.id}/usage")[1]
    assert [day["calls"] for day in later["days"][-2:]] == [2, 0]
    assert later["days"][0]["date"] == clock.format_iso(clock.now() - timedelta(days=29))[:10]
    assert later["today_cents"] == 0


def test_a_call_shows_its_visitor_in_the_list(acme: Tenant, ada: Member, token: WidgetToken) -> None:
    session = start(token, name="Ada", email="ada@example.com").session
    calls = ask_as(ada)
    row = calls("GET", f"/calls/{session.call_id}")[1]
    row = row.get("call", row)
    assert (row["direction"], row["from_e164"]) == ("inbound", "web")
    assert row["widget"] == {
        "session_id": session.id,
        "token_id": token.id,
        "origin": "https://shop.example",
        "lead_id": session.lead_id,
        "name": "Ada",
        "email": "ada@example.com",
        "phone": None,
    }
    assert find_call(session).state is State.RINGING


def test_only_admins_may_see_and_change_tokens(acme: Tenant, token: WidgetToken) -> None:
    path = f"{TOKENS}/{token.id}"
    asks = [
        ("GET", TOKENS, None),
        ("POST", TOKENS, INPUT),
        ("PATCH", path, {"name": "B"}),
        ("POST", f"{path}/revoke", None),
        ("GET", f"{path}/leads", None),
        ("DELETE", f"{path}/leads/led_{'0' * 26}", None),
        ("GET", f"{path}/usage", None),
    ]
    other = tenant("other")
    for who in (member(acme.org_id, Role.OPERATOR, "Bob"), member(acme.org_id, Role.VIEWER, "Cy")):
        assert {ask_as(who, "hum/widget_tokens")(*one)[0] for one in asks} == {403}
    stranger = ask_as(member(other.org_id, Role.ADMIN, "Eve"), "hum/widget_tokens")
    assert {stranger(*one)[0] for one in asks[2:]} == {404}
    assert stranger("GET", TOKENS) == (200, {"widget_tokens": []})


def test_every_change_is_an_event(ask: Ask, acme: Tenant, ada: Member) -> None:
    work = {"x_correlation_id": "corr_admin"}
    made = ask("POST", TOKENS, INPUT, **work)[1]
    ask("PATCH", f"{TOKENS}/{made['id']}", {"name": "B", "active": True}, **work)
    ask("POST", f"{TOKENS}/{made['id']}/revoke", **work)
    told = [(one.type, one.data) for one in list_workflow_events(acme.org_id, "corr_admin")]
    assert told == [
        ("widget_token.created", {"origins": 1}),
        ("widget_token.updated", {"fields": ["name"]}),
        ("widget_token.revoked", {}),
    ]


def test_a_repeated_request_creates_one_token(ask: Ask) -> None:
    first, second = (ask("POST", TOKENS, INPUT, idempotency_key="key-1") for _ in range(2))
    assert first == second
    assert len(ask("GET", TOKENS)[1]["widget_tokens"]) == 1
