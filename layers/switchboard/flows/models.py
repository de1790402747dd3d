"""The models of a flow."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from switchboard.compliance.models import Purpose, StandingConsent

FlowKind = Literal["inbound", "outbound"]


class FlowSettings(BaseModel):
    """The settings of a flow, in the words of the HUM contract.

    `provider_agent_id` is the voice provider's own agent that talks, if there is one. `caller_id` is the number from
    which the flow calls. `consent_source` and `consent_date` are the consent for its calls, if no better consent is
    known. `purpose` is the purpose of its calls: telemarketing or informational.
    """

    name: str
    kind: FlowKind = "inbound"
    greeting: str = ""
    system_prompt: str = ""
    voice: str | None = None
    provider_agent_id: str | None = None
    caller_id: str | None = None
    consent_source: str | None = None
    consent_date: str | None = None
    purpose: Purpose = Purpose.INFORMATIONAL


class Flow(FlowSettings):
    """An agent for calls. Its id is a UUID, because OptiComm's contract identifies an agent by a UUID.

    `version` counts its changes. An accepted call keeps the settings of its acceptance.
    """

    id: str
    org_id: str
    version: int = 1
    created_at: str
    updated_at: str

    @property
    def basis(self) -> StandingConsent | None:
        """The consent for its calls."""
        if self.consent_source is None:
            return None
        return StandingConsent(source=self.consent_source, date=self.consent_date, of=f"flow:{self.id}")
