"""Request and response models of Anima's agents, keys and billing.

Sources: docs/contracts/anima.md#keys and docs/contracts/anima.md#billing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from switchboard.accounts import models
from switchboard.accounts.keys import MAX_OVERLAP_SECONDS, NewKey
from switchboard.accounts.models import Caller, KeyKind
from switchboard.agents.models import Agent
from switchboard.dialects.anima.shapes import Pagination
from switchboard.edge.fields import FreeJson, Id, OneLine, Timestamp, Username
from switchboard.edge.schema import View
from switchboard.kit import clock
from switchboard.usage.models import MICROS_PER_CENT, Meter, Usage

_KIND = {"agent": KeyKind.AGENT, "master": KeyKind.MASTER}


class CreateAgent(View):
    """An agent to create."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"username": "support-agent", "name": "Support"}]})

    username: Username
    name: Annotated[str, OneLine(200, least=1)] | None = None
    metadata: Annotated[dict[str, str], FreeJson(8_192)] = Field(default_factory=dict, max_length=50)


class EmailIdentity(View):
    """An agent's inbox."""

    email: str
    local_part: str
    domain: str

    @classmethod
    def of(cls, address: str) -> EmailIdentity:
        """Returns the inbox with this address."""
        local_part, _, domain = address.partition("@")
        return cls(email=address, local_part=local_part, domain=domain)


class AgentView(View):
    """An agent."""

    id: str
    org_id: str
    name: str
    slug: str
    status: Literal["ACTIVE", "SUSPENDED", "DELETED"]
    api_key_prefix: str | None
    metadata: dict[str, Any]
    email_identities: list[EmailIdentity]
    phone_identities: list[dict[str, Any]]
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, agent: Agent) -> AgentView:
        """Returns Anima's view of an agent."""
        return cls.model_validate(_agent_fields(agent))


class NewAgentView(AgentView):
    """A new agent with its key. The key is shown in this response only."""

    api_key: str

    @classmethod
    def with_key(cls, agent: Agent, key_text: str) -> NewAgentView:
        """Returns the response for a new agent."""
        return cls.model_validate(_agent_fields(agent) | {"api_key": key_text})


def _agent_fields(agent: Agent) -> dict[str, Any]:
    return {
        **agent.model_dump(include={"id", "org_id", "name", "slug", "metadata", "created_at", "updated_at"}),
        "status": agent.status.upper(),
        "api_key_prefix": agent.key_prefix,
        "email_identities": [EmailIdentity.of(agent.address)],
        "phone_identities": [],
    }


class AgentList(BaseModel):
    """A page of agents, newest first."""

    items: list[AgentView]
    pagination: Pagination


class CreateKey(View):
    """A key to create."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "worker 1", "type": "agent", "agentId": "agt_01kfe2v7g0hjkmnpqrstvwxyz0"}]
        }
    )

    name: Annotated[str, OneLine(100, least=1)]
    type: Literal["agent", "master"] = "agent"
    agent_id: Id | None = Field(default=None, description="The agent of an `ak_` key. The key acts as this agent.")
    expires_at: Timestamp | None = None

    @model_validator(mode="after")
    def _check_agent(self) -> CreateKey:
        if (self.type == "agent") != (self.agent_id is not None):
            raise ValueError("agentId: is required for a key of type agent, and not allowed for other types")
        return self

    @property
    def key_kind(self) -> KeyKind:
        """The kind of the key."""
        return _KIND[self.type]

    @property
    def expiry(self) -> str | None:
        """The stored form of the expiry time."""
        return clock.format_iso(clock.parse(self.expires_at)) if self.expires_at else None


class RotateKey(View):
    """The options of a rotation."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlapSeconds": 3_600}]})

    overlap_seconds: int = Field(
        default=86_400,
        strict=True,
        ge=0,
        le=MAX_OVERLAP_SECONDS,
        description="The seconds for which the old key keeps working.",
    )


class ApiKeyView(View):
    """A key without its text."""

    id: str
    org_id: str
    agent_id: str | None
    name: str
    prefix: str
    mode: Literal["LIVE", "TEST"]
    scopes: list[str]
    revoked: bool
    created_at: str
    created_by: str
    last_used_at: str | None = Field(description="The last use of the key, to within five minutes.")
    expires_at: str | None

    @classmethod
    def of(cls, key: models.ApiKey) -> ApiKeyView:
        """Returns Anima's view of a key."""
        return cls.model_validate(_key_fields(key))


class NewApiKeyView(ApiKeyView):
    """A new key with its text. The text is shown in this response only."""

    key: str

    @classmethod
    def with_text(cls, new: NewKey) -> NewApiKeyView:
        """Returns the response for a new or rotated key."""
        return cls.model_validate(_key_fields(new.key) | {"key": new.text})


def _key_fields(key: models.ApiKey) -> dict[str, Any]:
    return {
        **key.model_dump(exclude={"hash", "kind", "revoked_at", "rotated_to"}),
        "mode": "TEST" if key.kind is KeyKind.OPTICOMM_TEST else "LIVE",
        "revoked": key.revoked_at is not None,
    }


class KeyList(BaseModel):
    """A page of keys, newest first."""

    items: list[ApiKeyView]
    pagination: Pagination


class CappedMeters(BaseModel):
    """The kinds of usage that count toward the cap."""

    email: StrictBool = True
    sms: StrictBool = True
    voice: StrictBool = True


class HardCapView(View):
    """The organization's own monthly spending cap."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": True, "monthlyCapCents": 2_500}]})

    enabled: StrictBool
    monthly_cap_cents: int = Field(strict=True, ge=0, le=100_000_000)
    meters: CappedMeters = Field(default_factory=CappedMeters)

    def to_cap(self) -> models.HardCap:
        """Returns the domain's cap."""
        return models.HardCap(
            enabled=self.enabled, monthly_cap_cents=self.monthly_cap_cents, meters=self.meters.model_dump()
        )

    @classmethod
    def of(cls, cap: models.HardCap) -> HardCapView:
        """Returns Anima's view of a cap."""
        return cls(
            enabled=cap.enabled,
            monthly_cap_cents=cap.monthly_cap_cents,
            meters=CappedMeters.model_validate(cap.meters),
        )


class UsageCounters(BaseModel):
    """The usage by kind."""

    message_sent: int
    message_received: int
    sms_sent: int
    sms_received: int
    call_minute: int
    embedding_generated: int


class UsageView(View):
    """The usage of a month and its cost."""

    period: str
    usage: UsageCounters
    spent_cents: float

    @classmethod
    def of(cls, usage: Usage) -> UsageView:
        """Returns Anima's view of a month's usage."""
        return cls(
            period=usage.period,
            usage=UsageCounters(
                message_sent=usage.units[Meter.EMAIL],
                message_received=usage.units[Meter.EMAIL_RECEIVED],
                sms_sent=0,
                sms_received=0,
                call_minute=usage.units[Meter.VOICE_BASIC] + usage.units[Meter.VOICE_PREMIUM],
                embedding_generated=0,
            ),
            spent_cents=usage.spent_micros / MICROS_PER_CENT,
        )


class TierLimits(View):
    """The limits of the plan. `null` means no limit."""

    messages: int | None
    agents: int | None
    requests_per_minute: int
    requests_per_second: int


class PlanTier(BaseModel):
    """The organization's plan."""

    tier: str
    name: str
    limits: TierLimits

    @classmethod
    def of(cls, caller: Caller) -> PlanTier:
        """Returns the plan of the caller's organization."""
        terms = caller.organization.terms
        return cls(
            tier=terms.name.value,
            name=terms.name.value.title(),
            limits=TierLimits(
                messages=terms.emails_per_month,
                agents=terms.agents,
                requests_per_minute=terms.requests_per_minute,
                requests_per_second=terms.requests_per_second,
            ),
        )
