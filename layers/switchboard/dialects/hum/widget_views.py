"""HUM's view of a widget's lead: of the list, and of the webhook (docs/contracts/hum.md#widgets)."""

from __future__ import annotations

from pydantic import BaseModel, Field

from switchboard.widgets.models import Lead


class LeadView(BaseModel):
    """The answers of a visitor in the form of a widget."""

    id: str
    name: str | None
    email: str | None
    phone: str | None = Field(description="In E.164. The visitor stated it, and nobody verified it.")
    notes: str | None
    origin: str = Field(description="The origin of the page.")
    call_id: str = Field(description="The call of the visitor.")
    created_at: str

    @classmethod
    def of(cls, lead: Lead) -> LeadView:
        """Returns HUM's view of a lead."""
        return cls(**lead.model_dump(include=set(cls.model_fields)))
