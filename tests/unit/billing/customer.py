"""A customer of the simulated provider: it pays, changes and cancels, and its notifications come as a test wishes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.accounts.plans import PlanName
from switchboard.aws.dynamodb import decode_item
from switchboard.billing import checkout, notifications, service, store
from switchboard.billing.models import BillingAccount
from switchboard.billing.service import BillingChanges, BillingSummary
from switchboard.carriers.payments.ports import webhook
from switchboard.carriers.payments.simulator import actions, events
from switchboard.carriers.payments.simulator.actions import Change
from switchboard.carriers.payments.simulator.models import SimulatedAccount
from switchboard.carriers.payments.simulator.state import ACCOUNT, ACCOUNTS
from switchboard.kit import clock
from tests.actors import Tenant
from tests.integration.sabotage import scan_items

URL = "https://app.example"


@pytest.fixture
def payments(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated provider, at the address of the application."""
    monkeypatch.setenv("SWITCHBOARD_PAYMENTS_CARRIER", "simulator")
    monkeypatch.setenv("SWITCHBOARD_PUBLIC_URL", URL)


@dataclass
class Customer:
    """An organization that pays. `told` holds the notifications that nobody has delivered."""

    tenant: Tenant
    told: list[str] = field(default_factory=list)

    @property
    def org(self) -> Organization:
        return organizations.get_organization(self.tenant.org_id)

    @property
    def account(self) -> BillingAccount:
        found = store.get_account(self.tenant.org_id)
        assert found
        return found

    @property
    def at_provider(self) -> SimulatedAccount:
        found = ACCOUNTS.get_object(self.tenant.org_id, ACCOUNT)
        assert found
        return found

    @property
    def subscription_id(self) -> str:
        return self.at_provider.subscriptions[-1].id

    @property
    def state(self) -> tuple[str, str, bool]:
        """The status of the account, the plan of the organization, and whether it may not send."""
        return self.account.status.value, self.org.plan.value, self.org.unpaid

    def order(self, plan: PlanName = PlanName.GROWTH) -> str:
        """Opens a page for paying. Returns its id."""
        origin = self.tenant.caller(master=True)
        return checkout.open_checkout(origin, self.org, plan, None, None).rpartition("/")[2]

    def act(self, action: Callable[[SimulatedAccount], Change]) -> list[str]:
        """Does something at the provider. Returns its notifications, which are not delivered."""
        before = self.at_provider
        changed = action(before)
        assert changed, "the action is possible"
        actions.apply_action(self.tenant.org_id, lambda _: changed, "once")
        return changed[1]

    def pay(self, page_id: str) -> list[str]:
        return self.act(lambda account: actions.pay_checkout(account, page_id))

    def subscribe(self, plan: PlanName = PlanName.GROWTH) -> None:
        """Subscribes, and delivers the notifications."""
        self.deliver(self.pay(self.order(plan)))

    def renew(self, *, works: bool = True) -> list[str]:
        """Lets the next month begin, with a card that works or fails."""
        if not works:
            self.act(lambda account: actions.change_card(account, works=False))
        return self.act(lambda account: actions.renew(account, self.subscription_id))

    def fail_to_pay(self) -> None:
        self.deliver(self.renew(works=False))

    def mend_card(self) -> list[str]:
        return self.act(lambda account: actions.change_card(account, works=True))

    def end(self) -> list[str]:
        return self.act(lambda account: actions.end_subscription(account, self.subscription_id))

    def deliver(self, bodies: Sequence[str]) -> None:
        """Delivers notifications with a valid signature."""
        for body in bodies:
            header = events.sign_body(body.encode(), webhook.simulated_secret(), int(clock.epoch()))
            assert notifications.receive_directly(body.encode(), header)

    def change(self, **changes: object) -> BillingSummary:
        """Changes the subscription as a member does."""
        made = BillingChanges(given=frozenset(changes), **changes)  # type: ignore[arg-type]
        return service.change_billing(self.tenant.caller(master=True), self.org, made)

    def mails(self) -> list[str]:
        """The subjects of the platform's mails, oldest first."""
        items = [decode_item(item) for item in scan_items("activity")]
        found = [item for item in items if item.get("kind") == "system" and isinstance(item.get("subject"), str)]
        return [str(item["subject"]) for item in sorted(found, key=lambda one: str(one["pk"]))]

    def mail_ids(self) -> list[str]:
        """The ids of the platform's mails, oldest first."""
        items = [decode_item(item) for item in scan_items("activity")]
        queued = [item for item in items if item.get("type") == "email.queued" and item["data"]["kind"] == "system"]
        return sorted(str(item["subject"]["id"]) for item in queued)

    def recorded(self, kind: str) -> list[dict[str, object]]:
        """The data of the events of a type, oldest first."""
        items = [decode_item(item) for item in scan_items("activity")]
        found = [item for item in items if item.get("type") == kind and item.get("outbox") == "event"]
        return [dict(item["data"]) for item in sorted(found, key=lambda one: str(one["id"]))]


def types_of(bodies: Sequence[str]) -> list[str]:
    """The types of notifications."""
    return [json.loads(body)["type"] for body in bodies]
