"""HUM's views of a brand and its campaign. The console and the webhooks share them."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from switchboard.brands.models import Brand, BrandCampaign, RegistrationIssue, RegistrationStatus
from switchboard.dialects.hum.brand_fields import describe_brand, describe_campaign, told_campaign

_STATUS = (
    "`submitted`: we hand it to the registry. `pending`: the registry reviews it. A rejected one can be changed and"
    " submitted again."
)


class RegistrationIssueView(BaseModel):
    """A reason of a rejection."""

    code: str
    message: str
    field: str | None = Field(description="The field to correct, if it is known.")

    @classmethod
    def of(cls, issue: RegistrationIssue) -> Self:
        """Returns the view of a reason."""
        return cls(**issue.model_dump())


class BrandView(BaseModel):
    """The organization's brand."""

    id: str | None = Field(description="Null before the first draft is saved.")
    status: RegistrationStatus = Field(description=_STATUS)
    display_name: str | None
    ein: str | None = Field(description="The tax number. After the submission only its last four characters are shown.")
    website: str | None
    payload: dict[str, Any] | None = Field(
        description="The draft's other fields, as you saved them.", json_schema_extra=describe_brand
    )
    submitted_at: str | None
    decided_at: str | None = Field(description="When the registry approved or rejected it.")
    errors: list[RegistrationIssueView] = Field(
        description="Why the registry rejected it. `verification_needed` of a pending brand: the sole proprietor has to"
        " answer a text of the registry."
    )
    created_at: str | None
    updated_at: str | None

    @classmethod
    def of(cls, brand: Brand, ein: str | None, payload: dict[str, Any] | None) -> Self:
        """Returns the view of a brand with its opened fields."""
        stored = brand.version > 0
        return cls(
            id=brand.id if stored else None,
            ein=ein,
            payload=payload or None,
            created_at=brand.created_at if stored else None,
            updated_at=brand.updated_at if stored else None,
            **_shared_fields(brand),
        )


class BrandCampaignView(BaseModel):
    """The campaign: the fields of its draft as you saved them, with its state."""

    model_config = ConfigDict(extra="allow", json_schema_extra=describe_campaign)

    id: str
    status: RegistrationStatus = Field(description=f"{_STATUS} A submitted campaign also waits for its brand.")
    submitted_at: str | None
    decided_at: str | None = Field(description="When the registry approved or rejected it.")
    errors: list[RegistrationIssueView] = Field(description="Why the registry rejected it.")

    @classmethod
    def of(cls, campaign: BrandCampaign) -> Self:
        """Returns the view of a campaign."""
        return cls.model_validate(campaign.fields | _campaign_state(campaign))


def brand_fields(brand: Brand) -> dict[str, Any]:
    """Returns the fields of a brand for a webhook: without the payload, and with the end of the tax number only."""
    shown = _shared_fields(brand)
    errors = [one.model_dump() for one in shown["errors"]]
    return {"id": brand.id, **shown, "status": brand.status.value, "ein_last4": brand.ein_last4, "errors": errors}


def campaign_fields(campaign: BrandCampaign) -> dict[str, Any]:
    """Returns the fields of a campaign for a webhook: the known ones, and its state."""
    return _campaign_state(campaign) | told_campaign(campaign.fields)


def _campaign_state(campaign: BrandCampaign) -> dict[str, Any]:
    return {
        "id": campaign.id,
        "status": campaign.status.value,
        "submitted_at": campaign.submitted_at,
        "decided_at": campaign.decided_at,
        "errors": [one.model_dump() for one in campaign.errors],
    }


def _shared_fields(brand: Brand) -> dict[str, Any]:
    return {
        "status": brand.status,
        "display_name": brand.display_name,
        "website": brand.website,
        "submitted_at": brand.submitted_at,
        "decided_at": brand.decided_at,
        "errors": [RegistrationIssueView.of(one) for one in brand.errors],
    }
