"""The models of a brand and its campaign, with their states and the moves between them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from switchboard.events.models import SystemActor


class RegistrationStatus(StrEnum):
    """The state of a brand or a campaign."""

    DRAFT = "draft"
    #: A member submitted it, and our worker hands it to the registry. A campaign also waits for its brand.
    SUBMITTED = "submitted"
    #: The registry has it, and reviews it.
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


_MOVES = {
    RegistrationStatus.DRAFT: {RegistrationStatus.SUBMITTED},
    # A campaign becomes a draft again when its brand is rejected.
    RegistrationStatus.SUBMITTED: {
        RegistrationStatus.PENDING,
        RegistrationStatus.REJECTED,
        RegistrationStatus.DRAFT,
    },
    RegistrationStatus.PENDING: {RegistrationStatus.APPROVED, RegistrationStatus.REJECTED},
    # The registry may suspend or end what it approved.
    RegistrationStatus.APPROVED: {RegistrationStatus.REJECTED},
    RegistrationStatus.REJECTED: {RegistrationStatus.SUBMITTED},
}
#: The states in which a member may change it, and submit it.
EDITABLE = frozenset(one for one, after in _MOVES.items() if RegistrationStatus.SUBMITTED in after)
#: The states in which our worker or the registry has it.
UNDER_WAY = frozenset({RegistrationStatus.SUBMITTED, RegistrationStatus.PENDING})


def can_move(before: RegistrationStatus, after: RegistrationStatus) -> bool:
    """Whether a brand or a campaign may go from one state to another."""
    return after in _MOVES[before]


class RegistrationIssue(BaseModel):
    """A reason of a rejection. `field` is the field to correct, if it is known."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    field: str | None = None


class StepClaim(BaseModel):
    """A step that a worker is doing, and since when. Without an answer its outcome is unknown."""

    model_config = ConfigDict(frozen=True)

    step: str
    at: str


class BrandCampaign(BaseModel):
    """The campaign of a brand: what its texts are for. `fields` is the draft as the members wrote it."""

    id: str
    status: RegistrationStatus = RegistrationStatus.DRAFT
    fields: dict[str, Any] = {}
    submitted_at: str | None = None
    decided_at: str | None = None
    errors: list[RegistrationIssue] = []


class Brand(BaseModel):
    """An organization's brand, with its campaign and the progress of their registration.

    The tax number and the payload are sealed: they name people and places. The payload is the draft as the members
    wrote it.
    """

    id: str
    org_id: str
    status: RegistrationStatus = RegistrationStatus.DRAFT
    display_name: str | None = None
    website: str | None = None
    sealed_ein: str | None = None
    ein_last4: str | None = None
    sealed_payload: str | None = None
    submitted_at: str | None = None
    decided_at: str | None = None
    errors: list[RegistrationIssue] = []
    campaign: BrandCampaign | None = None

    #: The registry that has the registration, and the form of the business there.
    registry: str | None = None
    form: str | None = None
    #: The number of submissions, and the one that began the present set of things at the registry.
    attempt: int = 0
    first_attempt: int = 0
    #: The month (`YYYY-MM`, UTC) of the latest submission, and the number of submissions in it.
    submitted_month: str | None = None
    submissions: int = 0
    #: When the present attempt began.
    begun_at: str | None = None
    #: The ids of the things at the registry by step, and the steps of the present attempt that are done.
    sids: dict[str, str] = {}
    done: list[str] = []
    claim: StepClaim | None = None
    #: When a refused text last made us ask the registry.
    rechecked_at: str | None = None
    #: When a member last asked for another text to the sole proprietor, and the request that a worker took.
    verification_asked_at: str | None = None
    verification_taken: str | None = None
    #: The number of the turn: a job of an earlier one has nothing to do. `checks` counts turns without news.
    turn: int = 0
    checks: int = 0
    #: The number of the next watch of this attempt. The job of an earlier one starts no other.
    watch: int = 0
    #: The timer of the next turn, if it is more than 15 minutes away.
    timer: str | None = None
    #: The origin of the changes of a worker.
    work: SystemActor | None = None
    version: int = 0
    created_at: str
    updated_at: str

    @property
    def is_under_way(self) -> bool:
        """Whether our worker or the registry has the brand or the campaign."""
        return self.status in UNDER_WAY or (self.campaign is not None and self.campaign.status in UNDER_WAY)

    @property
    def label(self) -> str:
        """The name of this set of things at the registry."""
        return f"switchboard {self.org_id} {self.first_attempt}"
