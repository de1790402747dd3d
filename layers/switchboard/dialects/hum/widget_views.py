"""HUM's view of a widget's lead: of the list, and of the webhook (docs/contracts/hum.md#widgets)."""

from __future__ import annotations

from pydantic import BaseModel, Field

from switchboard.widgets.models import Lead


class LeadConsentView(BaseModel):
    """The consent of a visitor to calls and texts at the entered number."""

    text: str = Field(description="The words that the visitor saw beside the box.")
    given_at: str


class LeadView(BaseModel):
    """The answers of a visitor in the form of a widget."""

    id: str
    name: str | None
    email: str | None
    phone: str | None = Field(description="In E.164. The visitor stated it, and nobody verified it.")
    notes: str | None
    consent: LeadConsentView | None = Field(
        description="The visitor's consent to calls and texts at `phone`, or null. The gate does not count it,"
        " because nobody verified the number."
    )
    origin: str = Field(description="The origin of the page.")
    call_id: str = Field(description="The call of the visitor.")
    kept_until: str | None = Field(
        description="When the platform deletes the lead. Null for a lead from before leads had an end."
    )
    created_at: str

    @classmethod
    def of(cls, lead: Lead) -> LeadView:
        """Returns HUM's view of a lead."""
        return cls(**lead.model_dump(include=set(cls.model_fields)))
