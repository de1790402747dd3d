"""Request and response models of HUM's brands (docs/contracts/hum.md#brands)."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from switchboard.brands import sealing, service
from switchboard.brands.drafts import MAX_DRAFT_BYTES, MAX_EIN
from switchboard.brands.fields import to_field
from switchboard.brands.models import EDITABLE, Brand
from switchboard.dialects.hum.brand_fields import describe_brand, describe_campaign
from switchboard.dialects.hum.brand_views import BrandCampaignView, BrandView
from switchboard.dialects.hum.shapes import Ok
from switchboard.edge.fields import FreeJson, OneLine
from switchboard.edge.schema import omit_default

_BESIDE = ("display_name", "ein", "website")
_PATCH = "A JSON Merge Patch (RFC 7396): null deletes a key, and other keys stay."


def _describe_payload(schema: dict[str, Any]) -> None:
    omit_default(schema)
    describe_brand(schema)


def _name_beside(body: dict[str, Any], name: str) -> str:
    field = to_field(name)
    return field if field in _BESIDE and field not in body and isinstance(body[name], str | None) else name


def _describe_campaign_draft(schema: dict[str, Any]) -> None:
    describe_campaign(schema)
    schema["examples"] = [_CAMPAIGN]


def _describe_brand_draft(schema: dict[str, Any]) -> None:
    # Other fields are accepted, but generated clients would send each field in two spellings.
    del schema["additionalProperties"]
    schema["examples"] = [_BRAND]


_BRAND = {
    "display_name": "Lakeside Clinic",
    "ein": "12-3456789",
    "website": "https://lakeside.example.com",
    "payload": {
        "entity_type": "PRIVATE_PROFIT",
        "company_name": "Lakeside Clinic LLC",
        "phone": "+14155550142",
        "street": "1 Lake Street",
        "city": "San Francisco",
        "state": "CA",
        "postal_code": "94105",
        "country": "US",
        "email": "office@lakeside.example.com",
        "vertical": "HEALTHCARE",
        "brand_relationship": "BASIC_ACCOUNT",
    },
}
_CAMPAIGN = {
    "usecase": "CUSTOMER_CARE",
    "description": "Answers to patients of Lakeside Clinic about their appointments.",
    "message_flow": "Patients agree to texts on the form at lakeside.example.com/start.",
    "samples": [
        "Your appointment at Lakeside Clinic is on Monday at noon.",
        "Lakeside Clinic: we got your question and answer it today.",
    ],
    "embedded_link": False,
    "embedded_phone": False,
}


class BrandInput(BaseModel):
    """The fields of the draft to change. A missing one stays, and null clears one. Other fields go to the payload."""

    model_config = ConfigDict(extra="allow", json_schema_extra=_describe_brand_draft)

    display_name: Annotated[str, OneLine(255)] | None = Field(default=None, description="The name that people know.")
    ein: Annotated[str, OneLine(MAX_EIN)] | None = Field(
        default=None, description="The tax number: nine digits in the United States. It is stored encrypted."
    )
    website: Annotated[str, OneLine(2_048)] | None = Field(default=None, description="The website of the business.")
    payload: Annotated[dict[str, Any], FreeJson(MAX_DRAFT_BYTES)] = Field(
        default_factory=dict,
        description=f"The other fields of the registration, in snake case or camel case. {_PATCH} They are stored"
        " encrypted.",
        json_schema_extra=_describe_payload,
    )

    @model_validator(mode="before")
    @classmethod
    def _rename(cls, body: Any) -> Any:
        """Gives the fields beside the payload their names, in any spelling."""
        if not isinstance(body, dict):
            return body
        return {_name_beside(body, name): value for name, value in body.items()}

    def sent_fields(self) -> dict[str, Any]:
        """Returns the fields that the request sent. An empty text clears a field."""
        sent: dict[str, Any] = {name: getattr(self, name) or None for name in _BESIDE if name in self.model_fields_set}
        others = (self.model_extra or {}) | self.payload
        return sent | ({"payload": others} if others else {})


class CampaignDraftInput(BaseModel):
    """The fields of the campaign's draft to change, in snake case or camel case. Any other field is kept, too."""

    model_config = ConfigDict(extra="allow", json_schema_extra=_describe_campaign_draft)

    def patch(self) -> dict[str, Any]:
        """Returns the fields that the request sent."""
        return dict(self.model_extra or {})


class CampaignWarningView(BaseModel):
    """A reason why a reviewer may refuse the campaign. It does not stop the submission."""

    field: str = Field(description="The field of the campaign, such as `samples[0]`.")
    message: str


_WARNINGS = "Why a reviewer may refuse the campaign, as long as it can be changed."


class RegistrationView(BaseModel):
    """The brand and its campaign. The campaign is null before its first draft."""

    brand: BrandView
    campaign: BrandCampaignView | None
    warnings: list[CampaignWarningView] = Field(description=_WARNINGS)

    @classmethod
    def of(cls, brand: Brand) -> Self:
        """Returns HUM's view of a brand and its campaign."""
        return cls(**_registration_fields(brand))


class SubmittedRegistrationView(Ok):
    """The brand and its campaign, with their new states."""

    brand: BrandView
    campaign: BrandCampaignView | None
    warnings: list[CampaignWarningView] = Field(description=_WARNINGS)

    @classmethod
    def of(cls, brand: Brand) -> Self:
        """Returns the answer to a submission."""
        return cls(ok=True, **_registration_fields(brand))


def _registration_fields(brand: Brand) -> dict[str, Any]:
    ein, payload = sealing.open_ein(brand), sealing.open_payload(brand)
    if not _is_open(brand):
        ein, payload = sealing.mask_ein(ein or "") or None, sealing.mask_payload(payload, ein)
    shown = BrandView.of(brand, ein, payload)
    campaign = BrandCampaignView.of(brand.campaign) if brand.campaign else None
    warnings = [CampaignWarningView(field=one.field, message=one.message) for one in service.list_warnings(brand)]
    return {"brand": shown, "campaign": campaign, "warnings": warnings}


def _is_open(brand: Brand) -> bool:
    """Whether the tax number is still shown: before the first submission."""
    return brand.status in EDITABLE and brand.submitted_at is None
