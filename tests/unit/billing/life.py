"""Items of billing, and of the simulated provider."""

from __future__ import annotations

from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.billing import checkout, daily, notifications
from switchboard.billing.jobs import ReportUse
from switchboard.carriers.payments.ports import webhook
from switchboard.carriers.payments.simulator import actions, events
from switchboard.carriers.payments.simulator.state import ACCOUNT, ACCOUNTS
from switchboard.kit import clock
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Tenant, member


def live(acme: Tenant) -> None:
    """Writes one item of each kind: the organization subscribes, exceeds its plan, and ends the subscription."""
    admin = member(acme.org_id, name="Payer")
    page = checkout.open_checkout(admin, admin.organization, PlanName.STARTER, None, None).rpartition("/")[2]
    _act(acme, lambda account: actions.pay_checkout(account, page))
    usage.commit_spending(organizations.get_organization(acme.org_id), Meter.VOICE_BASIC, 115)
    daily.run_daily(ReportUse(org_id=acme.org_id, day=clock.now_iso()[:10]))
    _act(acme, lambda account: actions.end_subscription(account, account.subscriptions[-1].id))
    organizations.set_plan(acme.caller(master=True), PlanName.GROWTH)


def _act(acme: Tenant, action: object) -> None:
    account = ACCOUNTS.get_object(acme.org_id, ACCOUNT)
    assert account
    changed = action(account)  # type: ignore[operator]
    actions.apply_action(acme.org_id, lambda _: changed, "once")
    for body in changed[1]:
        header = events.sign_body(body.encode(), webhook.simulated_secret(), int(clock.epoch()))
        notifications.receive_directly(body.encode(), header)
