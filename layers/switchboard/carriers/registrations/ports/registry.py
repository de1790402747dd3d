"""The port to a registry of brands and campaigns for texts from American local numbers (A2P 10DLC).

A registration is a row of small steps, and each step makes one thing at the registry. The caller records the id of each
thing before it asks for the next step. So a registration goes on where it stopped, and no step is done twice: a step
looks for its thing before it makes one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from switchboard.carriers.outcomes import RefusedError, ThrottledError

#: The longest time of one call of the port. Only workers call it.
SECONDS = 12.0

#: The two things that are registered, one after the other.
RegistrationPart = Literal["brand", "campaign"]
ReviewOutcome = Literal["pending", "approved", "rejected"]


#: The code of what a pending brand waits for: the sole proprietor answers the registry's text.
VERIFICATION_NEEDED = "verification_needed"


class RegistryIssue(NamedTuple):
    """A reason of a rejection. `field` is the name of the field that is wrong, if the registry tells it."""

    code: str
    message: str
    field: str | None = None


class RegistrationRefusedError(RefusedError):
    """The registry does not accept a step, and says why."""

    def __init__(self, issues: list[RegistryIssue]) -> None:
        super().__init__("; ".join(issue.message for issue in issues))
        self.issues = issues


class ReviewPendingError(ThrottledError):
    """The step waits for a review of the registry. Ask again later."""


@dataclass(frozen=True, slots=True)
class RegistrationOrder:
    """Facts of a registration, and what was done so far.

    `brand` and `campaign` have the fields of docs/contracts/providers.md#10dlc in snake case. `label` names the things
    of this registration at the registry, and no other ones. `sids` are the ids of all things by step, also of an
    earlier attempt. `done` are the steps of this attempt, which began at `begun_at`.
    """

    org_id: str
    brand_id: str
    label: str
    begun_at: str
    brand: Mapping[str, Any]
    campaign: Mapping[str, Any]
    sids: Mapping[str, str] = field(default_factory=dict)
    done: frozenset[str] = frozenset()


class RegistryReview(NamedTuple):
    """The state of a brand or a campaign at the registry. The issues of a pending one say what somebody has to do."""

    outcome: ReviewOutcome
    issues: list[RegistryIssue] = []  # noqa: RUF012 a NamedTuple's default is shared and never changed


class Registry(Protocol):
    """Registers brands and campaigns.

    All methods besides `next_step` raise ThrottledError if the registry may take the request later, and
    OutcomeUnknownError without a clear response.
    """

    @property
    def name(self) -> str:
        """The registry's name, which is kept with the registration."""

    @property
    def required_fields(self) -> frozenset[str]:
        """The fields of a brand that this registry needs besides those that every registry needs."""

    @property
    def test_eins(self) -> frozenset[str]:
        """The tax numbers that only tests use. No rule refuses them."""

    def next_step(self, order: RegistrationOrder, part: RegistrationPart) -> str | None:
        """Returns the name of the first step that is not done, `None` after the last one."""

    def perform_step(self, order: RegistrationOrder, step: str) -> str:
        """Does a step, and returns the id of its thing. If the thing is there already, returns its id.

        Raises RefusedError, and ReviewPendingError.
        """

    def fetch_review(self, order: RegistrationOrder, part: RegistrationPart) -> RegistryReview:
        """Returns what the registry says about a brand or a campaign whose steps are done."""

    def send_verification(self, order: RegistrationOrder) -> None:
        """Sends the text again that a sole proprietor has to answer. Raises RefusedError."""

    def add_number(self, order: RegistrationOrder, number_sid: str) -> None:
        """Adds a number to an approved campaign. Succeeds if it is there. Raises RefusedError."""
