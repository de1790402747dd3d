"""Jobs of billing."""

from __future__ import annotations

from switchboard.events.models import Actor, SystemActor
from switchboard.kit import ids
from switchboard.kit.jobs import Job


def work_origin(org_id: str) -> SystemActor:
    """Returns the actor of the jobs of billing."""
    return SystemActor(
        org_id=org_id, actor=Actor(type="system", id="billing"), agent_id=None, correlation_id=ids.new_id("corr")
    )


class ApplyPaymentEvent(Job, queue="billing"):
    """Read a customer's subscription again, because the provider says that it changed.

    The notification of a dispute has a charge. The provider knows its customer.
    """

    event_id: str
    type: str
    customer_id: str = ""
    charge_id: str = ""


class CheckPayment(Job, queue="billing"):
    """Move an unpaid subscription to its next state, if it is still unpaid."""

    org_id: str


class ReportUse(Job, queue="billing"):
    """Report the use of a day beyond the plan, and read the subscription again."""

    org_id: str
    day: str
    #: Since when the provider has not answered.
    unanswered_since: str | None = None


class ReleaseNumbers(Job, queue="numbers"):
    """Mail about the release of an organization's numbers, or release them if `due_at` has come."""

    org_id: str
    due_at: str


class RebalanceUsage(Job, queue="billing"):
    """Return the borrowed units of usage counters after a change of plan."""

    org_id: str
