"""HUM's `/api/billing*`, and the simulator's pages, as a browser uses them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from functions.callbacks.stripe_simulator import handler as pages
from infra.local import pool
from switchboard.carriers.payments.simulator.models import new_simulated_id
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.kit import clock
from switchboard.people import sessions
from switchboard.team.permissions import Role
from tests.actors import member
from tests.integration.sabotage import drain_queue, run_worker
from tests.load.request import api_event
from tests.unit.billing.customer import URL, Customer
from tests.unit.edge.asking import Answer, send_request

Ask = Callable[..., tuple[int, Any]]
FORM = "application/x-www-form-urlencoded"


def ask_as(acme: Customer, role: Role) -> Ask:
    cookie = sessions.open_session(member(acme.org.id, role, role.value.title()).user, acme.org.id)

    def ask(method: str, path: str = "", body: Any = None) -> tuple[int, Any]:
        answer = pool.invoke(
            "hum/billing", api_event(method, f"/api/billing{path}", {"cookie": f"{COOKIE}={cookie}"}, body)
        )
        return answer["statusCode"], json.loads(answer["body"])

    return ask


@pytest.fixture
def ask(acme: Customer) -> Ask:
    return ask_as(acme, Role.ADMIN)


def open_page(url: str) -> Answer:
    return send_request(pages.api, "GET", urlsplit(url).path)


def press(url: str, **form: str) -> Answer:
    headers = {"content-type": FORM, "origin": URL}
    return send_request(pages.api, "POST", urlsplit(url).path, urlencode(form).encode(), headers=headers, binary=False)


def test_the_summary_has_the_shape_of_the_contract(ask: Ask) -> None:
    status, found = ask("GET")
    assert status == 200
    assert found == {
        "plan": "free",
        "status": "none",
        "current_period_start": "2026-01-01T00:00:00.000Z",
        "current_period_end": "2026-02-01T00:00:00.000Z",
        "cancel_at_period_end": False,
        "suspends_at": None,
        "numbers_released_at": None,
        "usage": {
            "minutes": 0,
            "minutes_included": 10,
            "sms": 0,
            "sms_included": 10,
            "numbers": 0,
            "numbers_included": 1,
            "overage_cents": 0,
            "cost_cents": 0,
        },
        "stripe_customer": False,
        "billing_email": None,
        "overage_cap_cents": None,
        "hard_cap_enabled": False,
        "plans": [
            {"id": "starter", "price_cents": 2_900, "included": {"minutes": 110, "sms": 500, "numbers": 1}},
            {"id": "growth", "price_cents": 9_900, "included": {"minutes": 600, "sms": 5_000, "numbers": 3}},
            {"id": "scale", "price_cents": 24_900, "included": {"minutes": 1_800, "sms": 25_000, "numbers": 10}},
        ],
    }


def test_a_person_pays_on_the_page_and_comes_back(acme: Customer, ask: Ask) -> None:
    url = f"{URL}/done?session={{CHECKOUT_SESSION_ID}}"
    status, made = ask("POST", "/checkout", {"plan": "growth", "successUrl": url})
    assert status == 200
    shown = open_page(made["url"])
    assert "growth" in shown.body
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert f"form-action 'self' {URL};" in policy
    assert "<script" not in shown.body
    declined = press(made["url"], action="decline")
    assert (declined.status, "declined" in declined.body) == (200, True)
    assert press(made["url"], action="cancel").headers["location"] == f"{URL}/console?billing=canceled"
    paid = press(made["url"], action="pay", delivery="twice")
    checkout_id = made["url"].rpartition("/")[2]
    assert (paid.status, paid.headers["location"]) == (303, f"{URL}/done?session={checkout_id}")
    assert "closed" in press(made["url"], action="pay").body
    run_worker("workers/billing")
    status, found = ask("GET")
    assert (found["plan"], found["status"], found["stripe_customer"]) == ("growth", "active", True)


def test_the_portal_changes_cancels_resumes_and_shows_invoices(
    acme: Customer, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.subscribe()
    drain_queue("billing")
    url = ask("POST", "/portal")[1]["url"]

    def use(**form: str) -> tuple[str, str, bool]:
        answer = press(url, **form)
        assert (answer.status, answer.headers["location"]) == (303, urlsplit(url).path)
        run_worker("workers/billing")
        return acme.state

    assert use(action="plan", plan="scale", delivery="reversed") == ("active", "scale", False)
    use(action="cancel")
    assert acme.account.cancel_at_period_end
    use(action="resume")
    assert not acme.account.cancel_at_period_end
    assert press(url, action="resume").body.count("Nothing has changed") == 1
    use(action="failing_card")
    assert use(action="next_month") == ("past_due", "scale", False)
    shown = open_page(url).body
    assert re.findall("<td>(paid|open)</td>", shown) == ["open", "paid", "paid"]
    assert use(action="good_card") == ("active", "scale", False)
    assert use(action="end") == ("canceled", "free", False)


def test_pages_of_nobody_do_not_exist(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    page = f"{URL}/stripe/simulator/checkout/{acme.order()}"
    assert open_page(page).status == 200
    for id_ in ("cs_test_1", new_simulated_id("cs_test", acme.org.id), f"cs_test_org_{'0' * 26}_{'1' * 26}", "%00"):
        assert open_page(f"{URL}/stripe/simulator/checkout/{id_}").status == 404
        assert open_page(f"{URL}/stripe/simulator/portal/{id_}").status == 404
    monkeypatch.setenv("SWITCHBOARD_PAYMENTS_CARRIER", "none")
    assert open_page(page).status == 404


def test_a_form_of_another_site_is_refused(acme: Customer) -> None:
    page = f"/stripe/simulator/checkout/{acme.order()}"
    headers = {"content-type": FORM, "origin": "https://evil.example"}
    answer = send_request(pages.api, "POST", page, b"action=pay", headers=headers, binary=False)
    assert answer.status == 403
    assert acme.at_provider.subscriptions == []


def test_a_portal_page_ends_after_an_hour(acme: Customer, ask: Ask, frozen: clock.FrozenClock) -> None:
    acme.order()
    url = ask("POST", "/portal")[1]["url"]
    assert open_page(url).status == 200
    frozen.advance(hours=1)
    assert open_page(url).status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"color": "red"}, "color"),
        ({"plan": "enterprise"}, "plan"),
        ({"plan": None}, "plan"),
        ({"cancel_at_period_end": 1}, "cancel_at_period_end"),
        ({"overage_cap_cents": -1}, "overage_cap_cents"),
        ({"overage_cap_cents": "5"}, "overage_cap_cents"),
        ({"hard_cap_enabled": None}, "hard_cap_enabled"),
        ({"billing_email": "nobody"}, "billing_email"),
        ({}, "body"),
    ],
)
def test_a_change_is_validated(ask: Ask, body: dict[str, Any], field: str) -> None:
    status, refused = ask("PATCH", "/subscription", body)
    assert status == 400
    assert [one["field"] for one in refused["details"]] == [field]


def test_a_plan_that_is_too_small_has_details(acme: Customer, ask: Ask) -> None:
    status, refused = ask("PATCH", "/subscription", {"plan": "growth"})
    assert (status, refused["code"]) == (409, "no_subscription")
    status, refused = ask("POST", "/portal")
    assert (status, refused["code"]) == (409, "no_customer")
    acme.subscribe()
    status, refused = ask("POST", "/checkout", {"plan": "scale"})
    assert (status, refused["code"]) == (409, "subscription_exists")
    status, changed = ask("PATCH", "/subscription", {"plan": "scale", "overage_cap_cents": 900})
    assert (status, changed["plan"], changed["overage_cap_cents"]) == (200, "scale", 900)


def test_only_admins_change_and_operators_look(acme: Customer) -> None:
    operator, viewer = ask_as(acme, Role.OPERATOR), ask_as(acme, Role.VIEWER)
    assert (operator("GET")[0], viewer("GET")[0]) == (200, 403)
    for person in (operator, viewer):
        assert person("POST", "/checkout", {"plan": "growth"})[0] == 403
        assert person("POST", "/portal")[0] == 403
        assert person("PATCH", "/subscription", {"overage_cap_cents": 1})[0] == 403


def test_a_deployment_without_payments_shows_the_summary(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_PAYMENTS_CARRIER", "none")
    assert ask("GET")[0] == 200
    status, refused = ask("POST", "/checkout", {"plan": "growth"})
    assert (status, refused["code"]) == (503, "no_payments")


def test_a_cap_that_ended_is_null(ask: Ask) -> None:
    assert ask("PATCH", "/subscription", {"overage_cap_cents": 5_000})[1]["overage_cap_cents"] == 5_000
    status, ended = ask("PATCH", "/subscription", {"overage_cap_cents": None})
    assert (status, ended["overage_cap_cents"], ended["hard_cap_enabled"]) == (200, None, False)
    assert ask("PATCH", "/subscription", {"hard_cap_enabled": True})[0] == 400, "the amount is forgotten"


def test_a_checkout_with_an_unknown_field_is_refused(ask: Ask) -> None:
    status, refused = ask("POST", "/checkout", {"plan": "growth", "success_url": f"{URL}/done"})
    assert status == 400
    assert "success_url" in json.dumps(refused), refused
