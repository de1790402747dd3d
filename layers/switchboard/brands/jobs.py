"""Jobs of brands."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class AdvanceRegistration(Job, queue="brands"):
    """Do the next step of a registration, or ask the registry for its verdict.

    `turn` is the brand's number of the turn. A job of an earlier turn has nothing to do.
    """

    org_id: str
    turn: int


class RecheckRegistration(Job, queue="brands"):
    """Ask the registry whether its approvals still hold, because a network refused a text of the organization."""

    org_id: str


class CheckRegistration(Job, queue="brands"):
    """Ask the registry for its verdict now, because it said that there is news."""

    org_id: str
    brand_id: str


class WatchRegistration(Job, queue="brands"):
    """Each day of an attempt: start it again if it has stopped, and ask whether its approvals still hold.

    `number` is the brand's number of the watch. A job that comes again starts no second row of watches.
    """

    org_id: str
    attempt: int
    number: int = 0


class SendVerification(Job, queue="brands"):
    """Have the registry send its text to a sole proprietor again. `asked_at` is the request of a member."""

    org_id: str
    asked_at: str


class MarkNumbers(Job, queue="brands"):
    """Give the organization's numbers the state of its registration, some of them from `start` on."""

    org_id: str
    start: dict[str, str] | None = None


class MarkNumber(Job, queue="brands"):
    """Give a number the state of its organization's registration, and add it to the approved campaign."""

    org_id: str
    number_id: str
    #: Since when the registry has not answered.
    unanswered_since: str | None = None
