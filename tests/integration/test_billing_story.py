"""A story: a customer subscribes, exceeds the plan, upgrades, fails to pay, is suspended, and recovers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from functions.callbacks.stripe_simulator import handler as pages
from infra.local import pool
from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.aws import queues
from switchboard.billing import daily, use_reports
from switchboard.billing.jobs import ReportUse
from switchboard.carriers.payments.simulator.state import ACCOUNT, ACCOUNTS
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.errors import Conflict, QuotaExceeded
from switchboard.kit import clock
from switchboard.people import sessions
from switchboard.timers import store as timer_store
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Tenant, member, tenant
from tests.integration.sabotage import Later, run_worker, send_due
from tests.load.request import api_event
from tests.unit.billing.customer import URL, Customer, payments
from tests.unit.edge.asking import send_request

__all__ = ["payments"]

Ask = Callable[..., dict[str, Any]]
MAIL = {"to": "you@example.com", "subject": "Hello", "body": "From an agent."}


@pytest.fixture
def acme(payments: None, frozen: clock.FrozenClock) -> Tenant:
    timer_store.advance_watermark(clock.now_iso()[:16])
    return tenant(plan=PlanName.FREE)


@pytest.fixture
def ask(acme: Tenant) -> Ask:
    """The console of an admin, who signs in for each request."""
    admin = member(acme.org_id).user

    def send(method: str, path: str = "", body: Any = None) -> dict[str, Any]:
        # The story takes longer than a session.
        cookie = sessions.open_session(admin, acme.org_id)
        answer = pool.invoke(
            "hum/billing", api_event(method, f"/api/billing{path}", {"cookie": f"{COOKIE}={cookie}"}, body)
        )
        assert answer["statusCode"] == 200, answer["body"]
        found: dict[str, Any] = json.loads(answer["body"])
        return found

    return send


def press(url: str, **form: str) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": URL}
    body = urlencode(form).encode()
    assert send_request(pages.api, "POST", urlsplit(url).path, body, headers=headers, binary=False).status == 303
    run_worker("workers/billing")


def mail(acme: Tenant) -> tuple[int, dict[str, Any]]:
    """Asks Anima to send a mail. Returns the status and the body."""
    event = api_event("POST", "/v1/email/send", {"authorization": f"Bearer {acme.agent_key}"}, MAIL)
    answer = pool.invoke("anima/email", event)
    return answer["statusCode"], json.loads(answer["body"])


def text(acme: Tenant, segments: int) -> None:
    """Spends what texts of this many segments spend."""
    usage.commit_spending(organizations.get_organization(acme.org_id), Meter.SMS, segments)


def test_a_customer_subscribes_exceeds_upgrades_fails_to_pay_and_recovers(
    acme: Tenant, ask: Ask, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = Later(queues.try_send_messages)
    customer = Customer(acme)

    # The free plan has ten texts a month.
    text(acme, 10)
    with pytest.raises(QuotaExceeded):
        text(acme, 1)

    # Subscribe. Every notification comes twice.
    press(ask("POST", "/checkout", {"plan": "starter"})["url"], action="pay", delivery="twice")
    assert (ask("GET")["plan"], ask("GET")["status"]) == ("starter", "active")

    # Exceed: texts end at the plan's quota. 17 of the month's 31 days are paid, and what they do not include is billed.
    text(acme, 490)
    with pytest.raises(QuotaExceeded) as full:
        text(acme, 1)
    assert full.value.code == "plan_quota"
    usage.commit_spending(organizations.get_organization(acme.org_id), Meter.VOICE_BASIC, 120)
    assert ask("GET")["usage"] == {
        "minutes": 120,
        "minutes_included": 65,
        "sms": 500,
        "sms_included": 279,
        "numbers": 0,
        "numbers_included": 1,
        "cost_cents": 1_590,
        "overage_cents": 716,
    }
    day = clock.now().date()
    frozen.advance(seconds=(use_reports.report_time(acme.org_id, day) - clock.now()).total_seconds())
    daily.run_daily(ReportUse(org_id=acme.org_id, day=day.isoformat()))
    daily.run_daily(ReportUse(org_id=acme.org_id, day=day.isoformat()))
    at_provider = ACCOUNTS.get_object(acme.org_id, ACCOUNT)
    assert at_provider
    assert [(use.meter, use.units) for use in at_provider.uses] == [("voice_basic", 55), ("sms", 221)]

    # Upgrade: the limits of the larger plan hold at once.
    assert ask("PATCH", "/subscription", {"plan": "growth"})["usage"]["sms_included"] == 2_602
    text(acme, 1)

    # Fail to pay: nothing changes for a day and seven days of grace, and then nothing goes out.
    press(ask("POST", "/portal")["url"], action="failing_card")
    press(ask("POST", "/portal")["url"], action="next_month", delivery="reversed")
    assert ask("GET")["status"] == "past_due"
    assert mail(acme)[0] == 200
    seen = []
    with monkeypatch.context() as patched:
        patched.setattr(queues, "try_send_messages", later)
        for _ in range(9 * 5):
            frozen.advance(hours=4, minutes=49)
            send_due(later, "workers/billing")
            seen.append(customer.account.status.value)
    assert list(dict.fromkeys(seen)) == ["past_due", "grace", "suspended"]
    status, refused = mail(acme)
    assert status == 402
    assert "unpaid" in json.dumps(refused)
    assert ask("GET")["status"] == "suspended", "the console goes on"

    # Recover: a new card pays the invoice, and everything works at once.
    press(ask("POST", "/portal")["url"], action="good_card", delivery="twice")
    assert (ask("GET")["plan"], ask("GET")["status"]) == ("growth", "active")
    frozen.advance(seconds=61)  # cached keys are read again
    assert mail(acme)[0] == 200
    text(acme, 1)
    assert [subject.split(" ")[0] for subject in customer.mails()] == ["A", "Pay", "Acme", "Acme"]


def test_a_debtor_who_gives_up_sends_nothing_until_the_invoice_is_settled(
    acme: Tenant, ask: Ask, frozen: clock.FrozenClock
) -> None:
    press(ask("POST", "/checkout", {"plan": "starter"})["url"], action="pay")
    press(ask("POST", "/portal")["url"], action="failing_card")
    press(ask("POST", "/portal")["url"], action="next_month")
    assert mail(acme)[0] == 200
    press(ask("POST", "/portal")["url"], action="end")
    frozen.advance(seconds=61)  # cached keys are read again
    assert (ask("GET")["plan"], ask("GET")["status"]) == ("free", "canceled")
    assert mail(acme)[0] == 402
    with pytest.raises(Conflict) as refused:
        Customer(acme).order(PlanName.SCALE)
    assert refused.value.code == "subscription_unpaid"
    press(ask("POST", "/portal")["url"], action="void")
    frozen.advance(seconds=61)
    assert mail(acme)[0] == 200
    press(ask("POST", "/checkout", {"plan": "scale"})["url"], action="pay")
    assert (ask("GET")["plan"], ask("GET")["status"]) == ("scale", "active")
