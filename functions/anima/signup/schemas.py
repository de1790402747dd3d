"""Request and response models of Anima's sign-up (docs/contracts/anima.md#sign-up)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from switchboard.edge.fields import OneLine, Username
from switchboard.email.address import EmailAddress
from switchboard.signup.service import SignUpResult


class SignUpRequest(BaseModel):
    """The human who signs up, and their first agent."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"human_email": "you@example.com", "username": "shopping-agent"}]}
    )

    human_email: EmailAddress = Field(description="The email address of the human who owns the organization.")
    username: Username = Field(description="The local part of the agent's inbox.")
    name: Annotated[str, OneLine(200, least=1)] | None = Field(default=None, description="The agent's display name.")


class SignUpResponse(BaseModel):
    """The new organization. The keys are shown in this response only."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "agent_id": "agt_01kfe2v7g0hjkmnpqrstvwxyz0",
                    "organization_id": "org_01kfe2v7g0hjkmnpqrstvwxyz0",
                    "inbox_id": "shopping-agent@agents.switchboard.example",
                    "api_key": "ak_0000000000000000000000000000000000000",
                    "master_key": "mk_0000000000000000000000000000000000000",
                    "auth_type": "agent_unverified",
                    "vault_id": None,
                }
            ]
        }
    )

    agent_id: str
    organization_id: str
    inbox_id: str = Field(description="The address of the agent's inbox.")
    api_key: str = Field(description="The agent's key (`ak_`).")
    master_key: str = Field(description="The organization's master key (`mk_`).")
    auth_type: str
    vault_id: str | None

    @classmethod
    def of(cls, made: SignUpResult) -> SignUpResponse:
        """Returns the response to a sign-up."""
        return cls(
            agent_id=made.agent.id,
            organization_id=made.organization.id,
            inbox_id=made.agent.address,
            api_key=made.agent_key,
            master_key=made.master_key,
            auth_type="agent_unverified",
            vault_id=None,
        )
