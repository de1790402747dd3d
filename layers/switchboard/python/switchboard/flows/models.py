"""A flow."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from switchboard.compliance.models import Basis, Purpose

Kind = Literal["inbound", "outbound"]


class Settings(BaseModel):
    """What a flow's owner says of it (the HUM contract's words).

    `provider_agent_id` is the voice provider's own agent that talks, where there is one; `caller_id` the number that
    its calls come from; `consent_source` and `consent_date` the basis of its calls, where nothing better is known.
    `purpose` is what they are for: something is sold in them, or nothing is.
    """

    name: str
    kind: Kind = "inbound"
    greeting: str = ""
    system_prompt: str = ""
    voice: str | None = None
    provider_agent_id: str | None = None
    caller_id: str | None = None
    consent_source: str | None = None
    consent_date: str | None = None
    purpose: Purpose = Purpose.INFORMATIONAL


class Flow(Settings):
    """An agent that talks. Its id is a UUID, since that is what OptiComm's contract calls an agent by.

    `version` counts its changes. A call keeps what it was accepted with.
    """

    id: str
    org_id: str
    version: int = 1
    created_at: str
    updated_at: str

    @property
    def basis(self) -> Basis | None:
        """The consent that its calls rest on."""
        if self.consent_source is None:
            return None
        return Basis(source=self.consent_source, date=self.consent_date, of=f"flow:{self.id}")
