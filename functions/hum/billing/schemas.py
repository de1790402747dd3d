"""Request and response models of HUM's billing (docs/contracts/hum.md#billing)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from switchboard.accounts.plans import PlanName
from switchboard.billing.catalog import Included, PlanOnSale
from switchboard.billing.models import BillingStatus
from switchboard.billing.service import BillingChanges, BillingSummary
from switchboard.edge.schema import omit_default
from switchboard.email.address import EmailAddress

PaidPlan = Literal["starter", "growth", "scale"]
Url = Annotated[str, Field(min_length=1, max_length=2_048)]
_CENTS = 100_000_000


def describe_optional_url(schema: dict[str, Any]) -> None:
    """Describes an optional URL that is never null, as the contract does."""
    omit_default(schema)
    schema["format"] = "uri"


class CheckoutInput(BaseModel):
    """A plan to subscribe to, and where the browser goes after the page."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"plan": "growth"}]})

    plan: PaidPlan = Field(description="The plan to subscribe to.")
    successUrl: Url = Field(  # noqa: N815 the contract's name
        default="",
        description="A page of this application. It may hold `{CHECKOUT_SESSION_ID}`. The default is the application's"
        " home page with `billing=success`.",
        json_schema_extra=describe_optional_url,
    )
    cancelUrl: Url = Field(  # noqa: N815 the contract's name
        default="",
        description="A page of this application. The default is the application's home page with `billing=canceled`.",
        json_schema_extra=describe_optional_url,
    )


class RedirectView(BaseModel):
    """The page to open in the browser."""

    url: str


class BillingChangesInput(BaseModel):
    """The changes of a subscription and its limits. A missing field stays unchanged."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"plan": "scale"}, {"cancel_at_period_end": True}]}
    )

    plan: PaidPlan = Field(
        default="starter",
        description="The new plan. It holds at once, and the difference is charged or returned pro rata. A plan that is"
        " too small for the numbers and agents of the organization is refused.",
        json_schema_extra=omit_default,
    )
    cancel_at_period_end: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="Whether the subscription ends with the paid period. `false` resumes it.",
        json_schema_extra=omit_default,
    )
    overage_cap_cents: Annotated[int, Field(strict=True, ge=0, le=_CENTS)] | None = Field(
        default=None,
        description="The most that use may cost in a month at list prices, what the plan includes counted too. At the"
        " cap, calls, texts and mail are refused with 402. `null` ends the cap. It is the hard cap of `/v1/billing`.",
    )
    hard_cap_enabled: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="Switches the cap without changing its amount.",
        json_schema_extra=omit_default,
    )
    billing_email: EmailAddress = Field(
        default="",
        description="The address for invoices and notices of payment.",
        json_schema_extra=omit_default,
    )

    def to_changes(self) -> BillingChanges:
        """Returns the fields that the request sent."""
        sent = self.model_fields_set
        return BillingChanges(
            given=frozenset(sent),
            plan=PlanName(self.plan) if "plan" in sent else None,
            cancel_at_period_end=self.cancel_at_period_end if "cancel_at_period_end" in sent else None,
            overage_cap_cents=self.overage_cap_cents,
            hard_cap_enabled=self.hard_cap_enabled if "hard_cap_enabled" in sent else None,
            billing_email=self.billing_email if "billing_email" in sent else None,
        )


class BillingUsageView(BaseModel):
    """The use of this month (UTC), and what its paid plans include. `null` means that all of it is included.

    A plan that begins within a month includes minutes and texts pro rata.
    """

    minutes: int = Field(description="Minutes of calls, in and out.")
    minutes_included: int | None
    sms: int = Field(description="Segments of texts that went out.")
    sms_included: int | None
    numbers: int = Field(description="Telephone numbers.")
    numbers_included: int | None
    overage_cents: int = Field(description="The cost of the use beyond what is included.")
    cost_cents: int = Field(
        description="The cost of the use at list prices, what the plan includes and calls in progress hold counted too."
        " `overage_cap_cents` limits it."
    )


class IncludedView(BaseModel):
    """The monthly use that a plan includes."""

    minutes: int | None
    sms: int | None
    numbers: int | None

    @classmethod
    def of(cls, included: Included) -> IncludedView:
        return cls(minutes=included.minutes, sms=included.sms, numbers=included.numbers)


class PlanView(BaseModel):
    """A plan on sale."""

    id: PaidPlan
    price_cents: int = Field(description="The monthly price.")
    included: IncludedView

    @classmethod
    def of(cls, plan: PlanOnSale) -> PlanView:
        return cls.model_validate(
            {"id": plan.id.value, "price_cents": plan.price_cents, "included": IncludedView.of(plan.included)}
        )


class BillingView(BaseModel):
    """Plan, subscription and use."""

    plan: PlanName = Field(description="The plan of the organization now.")
    status: BillingStatus = Field(
        description="The subscription. `past_due` for a day after a payment failed, then `grace` for seven days, then"
        " `suspended`: calls, texts and mail are refused with 402 until the invoice is paid."
    )
    current_period_start: str
    current_period_end: str
    cancel_at_period_end: bool
    suspends_at: str | None = Field(description="When an unpaid subscription becomes `suspended`.")
    numbers_released_at: str | None = Field(
        description="When telephone numbers beyond the free plan are released, because nobody pays for them. A payment"
        " ends it."
    )
    usage: BillingUsageView
    stripe_customer: bool = Field(description="Whether the portal can be opened.")
    billing_email: str | None
    overage_cap_cents: int | None = Field(description="The spending cap of a month, `null` without one.")
    hard_cap_enabled: bool
    plans: list[PlanView]

    @classmethod
    def of(cls, summary: BillingSummary, plans: list[PlanOnSale]) -> BillingView:
        account, cap = summary.account, summary.organization.hard_cap
        starts, ends = summary.period
        return cls(
            plan=summary.organization.plan,
            status=summary.status,
            current_period_start=starts,
            current_period_end=ends,
            cancel_at_period_end=bool(account and account.cancel_at_period_end),
            suspends_at=summary.suspends_at,
            numbers_released_at=account.numbers_due_at if account else None,
            usage=BillingUsageView(
                minutes=summary.minutes,
                minutes_included=summary.included.minutes,
                sms=summary.sms,
                sms_included=summary.included.sms,
                numbers=summary.numbers,
                numbers_included=summary.included.numbers,
                overage_cents=summary.overage_cents,
                cost_cents=summary.cost_cents,
            ),
            stripe_customer=bool(account and account.customer_id),
            billing_email=account.email if account else None,
            overage_cap_cents=cap.monthly_cap_cents if cap.enabled or cap.monthly_cap_cents else None,
            hard_cap_enabled=cap.enabled,
            plans=[PlanView.of(plan) for plan in plans],
        )
