"""The models of a number."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

from switchboard.events.models import SystemActor
from switchboard.usage.models import Meter, SpendingReceipt


class NumberStatus(StrEnum):
    """Whether the organization still has the number."""

    ACTIVE = "active"
    RELEASED = "released"


class NumberCapabilities(BaseModel):
    """The abilities of a number."""

    model_config = ConfigDict(frozen=True)

    voice: bool = False
    sms: bool = False
    mms: bool = False


class NumberRent(BaseModel):
    """The rent of a bought number. Month 0 is the first month, which the purchase charges."""

    model_config = ConfigDict(frozen=True)

    #: The time of the purchase. Each month begins on its day and at its time, in UTC.
    since: str
    #: The last month that is charged, or that stays free.
    months: int = 0
    #: The timer of the next charge. Null within the last minutes before the charge, and after the last one.
    timer: str | None = None
    #: When the number was released. No month that begins later is charged.
    ended_at: str | None = None


class Number(BaseModel):
    """A telephone number of an organization.

    `sid` is the provider's id of the number. `flow_id` is the flow of its calls, and `sms_flow_id` the flow of its
    texts. Both are plain ids: this noun does not know flows. `version` counts its changes.
    """

    id: str
    org_id: str
    sid: str
    e164: str
    friendly_name: str
    flow_id: str | None = None
    sms_flow_id: str | None = None
    capabilities: NumberCapabilities = NumberCapabilities()
    status: NumberStatus = NumberStatus.ACTIVE
    monthly_cost_cents: int
    #: Null for a number that the platform did not buy, and for one bought before the platform charged rent.
    rent: NumberRent | None = None
    #: The stored state of the registration for texts to the United States. `a2p.status_of` has the state of any number.
    a2p_status: str | None = None
    #: Until when one job alone may add the number to the campaign of its organization: its request is on its way, or
    #: its next attempt is planned then.
    a2p_claimed_until: str | None = None
    #: The provider that has the number: `twilio` or `simulator`.
    provider: str
    version: int = 1
    created_at: str
    updated_at: str

    @property
    def active(self) -> bool:
        """Whether the organization still has the number."""
        return self.status is NumberStatus.ACTIVE

    @property
    def flow_ids(self) -> set[str]:
        """The flows that the number is assigned to."""
        return {flow_id for flow_id in (self.flow_id, self.sms_flow_id) if flow_id}

    def released(self) -> Self:
        """Returns the number after its release, without flows."""
        return self.model_copy(update={"status": NumberStatus.RELEASED, "flow_id": None, "sms_flow_id": None})


class PurchaseStatus(StrEnum):
    """The status of a purchase. Only a pending one can change."""

    PENDING = "pending"
    BOUGHT = "bought"
    REFUSED = "refused"


class Purchase(BaseModel):
    """A number that an organization buys. It is recorded before the provider is asked.

    Its id is the id of the number. `asked_at` is the time of the latest request to the provider. A request that is
    older than a minute has ended, so the provider's list then says whether it bought the number.
    """

    id: str
    org_id: str
    e164: str
    friendly_name: str
    flow_id: str | None
    sms_flow_id: str | None
    provider: str
    meter: Meter
    monthly_cost_cents: int
    #: Where the first month was charged, to give it back if the number cannot be bought.
    receipt: SpendingReceipt | None
    status: PurchaseStatus = PurchaseStatus.PENDING
    asked_at: str
    #: The number of attempts to settle it.
    checks: int = 0
    #: The origin of the changes of a worker.
    work: SystemActor
    version: int = 1
    created_at: str
    updated_at: str
    #: When the table deletes it, in seconds since 1970. A pending purchase stays.
    expires: int | None = None
