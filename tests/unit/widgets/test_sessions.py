"""Sessions of visitors, as a page starts, reads and ends them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from switchboard.accounts import organizations
from switchboard.calls import room_calls
from switchboard.calls.models import State
from switchboard.carriers import captcha
from switchboard.carriers.captcha import CaptchaResult
from switchboard.carriers.captcha.simulator import SPENT_TOKEN, TEST_TOKEN, SimulatedTurnstile
from switchboard.errors import RateLimited
from switchboard.flows.models import Flow
from switchboard.kit import clock, ids
from switchboard.widgets import leads, lifecycle, service, session_store, tokens
from switchboard.widgets.models import WidgetToken
from tests.actors import Tenant, system, tenant
from tests.tables import each
from tests.unit.contacts.book import list_workflow_events
from tests.unit.widgets.desk import (
    MINUTE,
    SHOP,
    PageAnswer,
    ask_page,
    find_call,
    get_day,
    make_flow,
    make_token,
    start,
)

LEAD = {"name": "Ada", "email": "ada@Example.com", "phone": "(415) 555-0142", "notes": "Two\nlines"}


def code_of(answer: PageAnswer) -> tuple[int, str]:
    return answer.status, answer.body["code"]


def test_a_page_starts_reads_and_ends_a_session(token: WidgetToken) -> None:
    config = ask_page("GET", "/config", token.public_key)
    assert (config.status, config.headers["access-control-allow-origin"]) == (200, SHOP)
    assert config.body["captcha"] == {"provider": "none", "site_key": None, "action": "widget_session"}
    assert "artificial voice" in config.body["notice"]
    assert [field["name"] for field in config.body["lead_fields"]] == ["name", "email", "phone", "notes"]
    started = ask_page("POST", "/sessions", token.public_key, {"lead": LEAD})
    assert (started.status, started.headers["access-control-allow-origin"]) == (200, SHOP)
    assert set(started.body) == {"session_id", "session_token", "connection", "expires_at"}
    assert set(started.body["connection"]) == {"url", "ticket"}
    path, key = f"/sessions/{started.body['session_id']}", started.body["session_token"]
    assert ask_page("GET", path, key).body == {
        "session_id": started.body["session_id"],
        "status": "waiting",
        "expires_at": started.body["expires_at"],
        "turns": [],
    }
    assert ask_page("POST", f"{path}/end", key, {}).body == {"ok": True}


def test_the_session_is_a_call_with_its_lead(token: WidgetToken, acme: Tenant) -> None:
    started = ask_page("POST", "/sessions", token.public_key, {"lead": LEAD})
    ((lead,), _) = leads.list_leads(acme.org_id, token.id, 10)
    session = session_store.SESSIONS.get_object(acme.org_id, started.body["session_id"])
    assert session is not None
    call = find_call(session)
    assert (call.direction, call.state, call.source, call.from_number) == ("INBOUND", State.RINGING, "widget", "web")
    assert call.widget is not None
    visit = call.widget
    assert (visit.lead_id, visit.name, visit.phone, visit.origin) == (lead.id, "Ada", "+14155550142", SHOP)
    assert lead.model_dump(include={"name", "email", "phone", "notes", "origin", "call_id"}) == {
        "name": "Ada",
        "email": "ada@example.com",
        "phone": "+14155550142",
        "notes": "Two\nlines",
        "origin": SHOP,
        "call_id": call.id,
    }
    told = [event.type for event in list_workflow_events(acme.org_id, call.correlation_id)]
    assert sorted(told) == ["voice.call.received", "widget.lead_captured", "widget.session_started"]


def test_a_visitor_without_a_form_leaves_no_lead(token: WidgetToken, acme: Tenant) -> None:
    service.update_token(system(acme.org_id), token.id, {"lead_fields": []})
    started = ask_page("POST", "/sessions", token.public_key, {})
    assert started.status == 200
    assert leads.list_leads(acme.org_id, token.id, 10)[0] == []


@each(
    "key, status, code",
    [
        (None, 401, "unauthorized"),
        ("", 401, "unauthorized"),
        ("whk_unknown", 404, "unknown_widget"),
        (f"whk_{'0' * 26}", 404, "unknown_widget"),
        ("ak_live_x", 401, "unauthorized"),
    ],
)
def test_an_unknown_key_is_refused_and_no_page_reads_why(acme: Tenant, key: str | None, status: int, code: str) -> None:
    for method, path, body in (("GET", "/config", None), ("POST", "/sessions", {})):
        answer = ask_page(method, path, key, body)
        assert code_of(answer) == (status, code)
        assert "access-control-allow-origin" not in answer.headers


@each(
    "origin",
    [
        None,
        "null",
        "https://shop.example.evil.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://a.shop.example",
    ],
)
def test_a_page_of_another_origin_is_refused(token: WidgetToken, origin: str | None) -> None:
    for method, path, body in (("GET", "/config", None), ("POST", "/sessions", {"lead": {"name": "Ada"}})):
        answer = ask_page(method, path, token.public_key, body, origin=origin)
        assert code_of(answer) == (403, "origin_not_allowed")
        assert "access-control-allow-origin" not in answer.headers


def test_a_preflight_says_nothing_about_keys(token: WidgetToken) -> None:
    asked = [
        ask_page("OPTIONS", "/sessions", None, origin=origin, access_control_request_method="POST")
        for origin in (SHOP, "https://evil.example")
    ]
    first, second = ({**answer.headers, "access-control-allow-origin": "", "x-request-id": ""} for answer in asked)
    assert [answer.status for answer in asked] == [204, 204]
    assert {name: text for name, text in first.items() if "ratelimit" not in name} == {
        name: text for name, text in second.items() if "ratelimit" not in name
    }


def test_a_page_of_our_own_reads_without_an_origin(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_PUBLIC_URL", "http://127.0.0.1:8080")
    token = make_token(flow, allowed_origins=["http://127.0.0.1:8080"])
    for site, status in (("same-origin", 200), ("cross-site", 403), ("same-site", 403)):
        assert ask_page("GET", "/config", token.public_key, origin=None, sec_fetch_site=site).status == status
    other = make_token(flow)
    assert ask_page("GET", "/config", other.public_key, origin=None, sec_fetch_site="same-origin").status == 403


@each("change", [{"active": False}, None])
def test_a_token_that_is_not_active_gets_404_at_once(acme: Tenant, change: dict[str, bool] | None) -> None:
    token = make_token(make_flow(acme.org_id))
    if change is None:
        service.revoke_token(system(acme.org_id), token.id)
    else:
        service.update_token(system(acme.org_id), token.id, change)
    assert code_of(ask_page("POST", "/sessions", token.public_key, {"lead": {"name": "A"}})) == (404, "unknown_widget")


@each(
    "lead, field",
    [
        ({}, "lead.name"),
        ({"name": " "}, "lead.name"),
        ({"name": "Ada", "email": "ada"}, "lead.email"),
        ({"name": "Ada", "phone": "12"}, "lead.phone"),
        ({"name": "Ada", "notes": "x" * 2001}, "lead.notes"),
        ({"name": "Ada\x00"}, "lead.name"),
    ],
)
def test_a_wrong_answer_is_refused_before_the_captcha_is_spent(
    token: WidgetToken, acme: Tenant, lead: dict[str, str], field: str
) -> None:
    answer = ask_page("POST", "/sessions", token.public_key, {"lead": lead})
    assert answer.status == 400
    assert [detail["field"] for detail in answer.body["details"]] == [field]
    assert leads.list_leads(acme.org_id, token.id, 10)[0] == []


def test_the_captcha_is_checked_before_anything_is_written(flow: Flow) -> None:
    token = make_token(flow, captcha_provider="turnstile", lead_fields=[])
    for text in (None, "", "guess", SPENT_TOKEN):
        body = {} if text is None else {"captcha_token": text}
        assert code_of(ask_page("POST", "/sessions", token.public_key, body)) == (400, "captcha_failed")
    assert ask_page("POST", "/sessions", token.public_key, {"captcha_token": TEST_TOKEN}).status == 200
    assert ask_page("GET", "/config", token.public_key).body["captcha"]["site_key"] == "1x00000000000000000000AA"


def test_the_rate_limits_how_often_the_captcha_is_asked(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    token = make_token(flow, captcha_provider="turnstile", lead_fields=[], per_ip_rate_per_min=2)
    asked: list[str] = []

    def refuse(_: SimulatedTurnstile, text: str, address: str, __: str | None = None) -> CaptchaResult:
        asked.append(f"{text} from {address}")
        return CaptchaResult(success=False)

    monkeypatch.setattr(SimulatedTurnstile, "check_token", refuse)
    answers = [ask_page("POST", "/sessions", token.public_key, {"captcha_token": "guess"}) for _ in range(5)]
    assert [answer.status for answer in answers] == [400, 400, 429, 429, 429]
    assert len(asked) == 2


def test_a_site_key_of_its_own_is_checked_with_its_own_secret(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cloudflare has one secret for each site key."""
    used: list[str | None] = []

    def check(_: SimulatedTurnstile, text: str, address: str, secret: str | None = None) -> CaptchaResult:
        used.append(secret)
        return CaptchaResult(success=True, hostname="shop.example", action="widget_session")

    monkeypatch.setattr(SimulatedTurnstile, "check_token", check)
    token = make_token(
        flow, lead_fields=[], captcha_provider="turnstile", captcha_site_key="0xOWN", captcha_secret="s3"
    )
    admin = system(token.org_id)

    def ask() -> PageAnswer:
        address = ids.new_id("address")
        return ask_page("POST", "/sessions", token.public_key, {"captcha_token": "solved"}, address=address)

    assert ask().status == 200
    # Another setting keeps the secret, and another site key ends it.
    service.update_token(admin, token.id, {"name": "Other"})
    assert ask().status == 200
    service.update_token(admin, token.id, {"captcha_site_key": "0xNEW"})
    assert code_of(ask()) == (503, "no_captcha")
    after = service.update_token(admin, token.id, {"captcha_secret": "s4"})
    assert "s4" not in after.model_dump_json()
    assert ask().status == 200
    # The deployment's own site key has the deployment's secret.
    service.update_token(admin, token.id, {"captcha_site_key": captcha.site_key()})
    assert ask().status == 200
    assert used == ["s3", "s3", "s4", None]


def test_nobody_passes_unchecked_without_a_captcha(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    token = make_token(flow, captcha_provider="turnstile", lead_fields=[])
    monkeypatch.setattr(captcha, "find_captcha", lambda **_: None)
    answer = ask_page("POST", "/sessions", token.public_key, {"captcha_token": TEST_TOKEN})
    assert code_of(answer) == (503, "no_captcha")


def test_each_address_has_its_own_rate(flow: Flow, frozen: clock.FrozenClock) -> None:
    token = make_token(flow, per_ip_rate_per_min=2, lead_fields=[])
    frozen.advance(seconds=60 - clock.now().second)

    def ask(address: str) -> PageAnswer:
        return ask_page("POST", "/sessions", token.public_key, {}, address=address)

    assert [ask("203.0.113.1").status for _ in range(3)] == [200, 200, 429]
    assert ask("203.0.113.2").status == 200
    refused = ask("203.0.113.1")
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["access-control-allow-origin"] == SHOP
    frozen.advance(minutes=1)
    assert ask("203.0.113.1").status == 200


def test_visitors_of_one_address_never_get_each_others_session(token: WidgetToken) -> None:
    other = make_token(make_flow(tenant("globex").org_id))
    key = "one key of a proxy for two widgets"
    body = {"lead": {"name": "Ada"}}
    first, again, second = (
        ask_page("POST", "/sessions", one.public_key, body, Idempotency_Key=key) for one in (token, token, other)
    )
    assert [answer.status for answer in (first, again, second)] == [200, 200, 200]
    assert first.body == again.body
    assert tokens.verify_token(first.body["session_token"]).org_id == token.org_id
    assert tokens.verify_token(second.body["session_token"]).org_id == other.org_id


def test_the_cap_of_the_day_refuses_the_next_session(flow: Flow) -> None:
    # Each session reserves five minutes.
    token = make_token(flow, daily_spend_cap_cents=5 * MINUTE * 2 // 10_000, lead_fields=[])
    answers = [ask_page("POST", "/sessions", token.public_key, {}) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 402]
    assert answers[2].body["code"] == "daily_spend_cap"
    other = make_token(flow, lead_fields=[])
    assert ask_page("POST", "/sessions", other.public_key, {}).status == 200


def test_a_cap_of_nothing_starts_nothing(flow: Flow) -> None:
    token = make_token(flow, daily_spend_cap_cents=0, lead_fields=[])
    assert ask_page("POST", "/sessions", token.public_key, {}).status == 402


def test_the_day_of_the_cap_is_the_organizations(acme: Tenant, flow: Flow, frozen: clock.FrozenClock) -> None:
    org = organizations.get_organization(acme.org_id)
    organizations.update_organization(system(acme.org_id), org, {"timezone": "Pacific/Auckland"})
    token = make_token(flow)
    session = start(token, name="Ada").session
    assert session.day == clock.now().astimezone(ZoneInfo("Pacific/Auckland")).date().isoformat()
    assert get_day(session).counted_micros == 5 * MINUTE


def test_without_a_flow_no_session_starts(flow: Flow) -> None:
    token = make_token(flow, default_flow_id=None, lead_fields=[])
    assert code_of(ask_page("POST", "/sessions", token.public_key, {})) == (400, "no_flow")


def test_a_closed_flow_starts_nothing(acme: Tenant) -> None:
    closed = make_flow(acme.org_id, business_hours_enabled=True, business_hours={}, after_hours_message="Come back.")
    token = make_token(closed, lead_fields=[])
    answer = ask_page("POST", "/sessions", token.public_key, {})
    assert (code_of(answer), answer.body["message"]) == ((503, "after_hours"), "Come back.")


def test_without_rooms_no_session_starts(token: WidgetToken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_VOICE_ROOMS", "none")
    assert code_of(ask_page("POST", "/sessions", token.public_key, {"lead": {"name": "A"}})) == (503, "no_rooms")


def test_a_suspended_organization_has_no_widgets(token: WidgetToken, acme: Tenant) -> None:
    organizations.set_status(system(acme.org_id), "suspended")
    assert code_of(ask_page("POST", "/sessions", token.public_key, {"lead": {"name": "A"}})) == (404, "unknown_widget")


def test_a_repeated_request_starts_one_session(token: WidgetToken, acme: Tenant) -> None:
    key = {"idempotency_key": "0123456789012345678901"}
    first, second = (
        ask_page("POST", "/sessions", token.public_key, {"lead": {"name": "Ada"}}, **key) for _ in range(2)
    )
    assert first.body == second.body
    assert len(leads.list_leads(acme.org_id, token.id, 10)[0]) == 1


def test_a_session_token_opens_its_own_session_only(token: WidgetToken) -> None:
    one, two = (start(token, name="Ada") for _ in range(2))
    assert ask_page("GET", f"/sessions/{one.session.id}", two.token).status == 404
    assert ask_page("GET", f"/sessions/{one.session.id}", one.token, origin="https://evil.example").status == 403
    for text in ("", "x", one.token[:-2] + "xx", token.public_key):
        assert ask_page("GET", f"/sessions/{one.session.id}", text).status == 401


def test_a_session_token_ends_after_the_session(token: WidgetToken, frozen: clock.FrozenClock) -> None:
    started = start(token, name="Ada")
    path = f"/sessions/{started.session.id}"
    frozen.advance(seconds=300 + 599)
    assert ask_page("GET", path, started.token).status == 200
    frozen.advance(seconds=2)
    assert code_of(ask_page("GET", path, started.token)) == (401, "token_expired")


def test_one_address_has_few_sessions_at_one_time(token: WidgetToken) -> None:
    started = [start(token, name="Ada", address="203.0.113.7") for _ in range(room_calls.MAX_OF_ADDRESS)]
    with pytest.raises(RateLimited) as refused:
        start(token, name="Ada", address="203.0.113.7")
    assert refused.value.code == "sessions_of_address"
    assert start(token, name="Ada", address="203.0.113.8")
    lifecycle.end_session(token.org_id, started[1].session.id, "visitor")
    assert start(token, name="Ada", address="203.0.113.7")
    with pytest.raises(RateLimited):
        start(token, name="Ada", address="203.0.113.7")
