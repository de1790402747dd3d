"""Organizations, keys, and the authenticated caller of a request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from switchboard.accounts.plans import PLANS, Plan, PlanName
from switchboard.events.models import Actor
from switchboard.persistence.idempotency import IdempotencyKey


class HardCap(BaseModel):
    """The organization's own monthly spending limit. `meters` says which kinds of use count towards it."""

    enabled: bool = False
    monthly_cap_cents: int = Field(default=0, ge=0, le=100_000_000)
    meters: dict[str, bool] = Field(default_factory=lambda: {"email": True, "sms": True, "voice": True})


class VoiceProvider(StrEnum):
    """The default provider of voice models for an organization's calls."""

    OPENAI = "openai"
    GEMINI = "gemini"
    ELEVENLABS = "elevenlabs"


class Organization(BaseModel):
    """A tenant."""

    id: str
    slug: str
    name: str
    contact_name: str | None = None
    contact_email: str | None = None
    contact_phone: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    address_city: str | None = None
    address_region: str | None = None
    address_postal_code: str | None = None
    address_country: str | None = None
    default_provider: VoiceProvider = VoiceProvider.ELEVENLABS
    plan: PlanName = PlanName.FREE
    status: str = "active"
    #: Whether its subscription is unpaid for so long that it may not call, text or mail (switchboard.billing).
    unpaid: bool = False
    #: Whether its subscription is unpaid. Use beyond what the plan includes is then refused.
    past_due: bool = False
    #: Whether it has a subscription, and has not yet paid for a whole month. Its use then has a limit of its own.
    new_payer: bool = False
    #: The caller's number for agents that have no number of their own.
    caller_id: str | None = None
    #: Its calling hours, narrower than the legal ones: `{"start": "09:00", "end": "18:00"}`, in the recipient's time.
    calling_hours: dict[str, str] | None = None
    owner_email: str | None = None
    #: The IANA time zone of its days and hours.
    timezone: str = "UTC"
    hard_cap: HardCap = Field(default_factory=HardCap)
    #: Whether texts that go out get plain quotes and dashes for typographic ones, if that makes them shorter.
    smart_encoding: bool = False
    #: Identifies the current cap. Claims compare it (switchboard.accounts.stops).
    cap_mark: str | None = None
    #: Limits that were agreed on one by one. They replace the plan's: requests_per_minute, emails_per_month …
    limits: dict[str, int] = Field(default_factory=dict)
    created_at: str
    updated_at: str

    @property
    def terms(self) -> Plan:
        """The plan's limits. Limits that were agreed on with this organization replace the plan's own."""
        terms = PLANS[self.plan]
        changes: dict[str, Any] = {name: value for name, value in self.limits.items() if hasattr(terms, name)}
        return replace(terms, **changes) if changes else terms

    @property
    def pays_overage(self) -> bool:
        """Whether somebody pays for use beyond what the plan includes.

        A plan comes from a paid subscription, or from an operator, who has agreed on the payment.
        """
        return self.terms.has_overage and not self.past_due


class KeyKind(StrEnum):
    """The kinds of API key. The value is the prefix of every key of the kind."""

    AGENT = "ak_"
    MASTER = "mk_"
    SERVICE = "sk_"
    OPTICOMM_LIVE = "sk_live_"
    OPTICOMM_TEST = "sk_test_"
    ATHOS = "ath_live_"

    @property
    def api(self) -> str:
        """The name of the API that takes keys of the kind."""
        if self in (KeyKind.OPTICOMM_LIVE, KeyKind.OPTICOMM_TEST):
            return "OptiComm"
        return "Athos" if self is KeyKind.ATHOS else "Anima"


class KeyRestrictions(BaseModel):
    """Restrictions of a key beyond those of its kind. An empty list restricts nothing."""

    model_config = ConfigDict(frozen=True)

    #: Networks that may use the key, in CIDR form, IPv4 and IPv6.
    ip_allowlist: list[str] = Field(default_factory=list)
    #: Agents whose calls the key may place.
    agents: list[str] = Field(default_factory=list)
    requests_per_minute: int | None = Field(default=None, ge=1)
    requests_per_day: int | None = Field(default=None, ge=1)
    #: The default consent of its calls, if neither the request nor the consent ledger has one: source and day.
    consent_source: str | None = None
    consent_date: str | None = None

    @field_validator("ip_allowlist")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        # `ip_network` is strict: it rejects an address with host bits set, because that is a typing error.
        return [str(ip_network(text.strip())) for text in value]

    def admits_address(self, address: str) -> bool:
        """Whether the key may be used from an address. An IPv4-mapped IPv6 address counts as the IPv4 address."""
        if not self.ip_allowlist:
            return True
        try:
            found = ip_address(address)
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in ip_network(text) for text in self.ip_allowlist)


class ApiKey(BaseModel):
    """A key without its text, which is stored only as a hash. So it is safe to show."""

    id: str
    org_id: str
    agent_id: str | None = None
    kind: KeyKind
    name: str
    prefix: str
    hash: str
    #: Permissions, for kinds of key that have them. An empty list allows everything.
    scopes: list[str] = Field(default_factory=list)
    restrictions: KeyRestrictions = Field(default_factory=KeyRestrictions)
    created_at: str
    created_by: str
    expires_at: str | None = None
    revoked_at: str | None = None
    last_used_at: str | None = None
    rotated_to: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated caller of a request, with the organization and the workflow that it acts for.

    `effect` is set when the request has an Idempotency-Key.
    """

    organization: Organization
    key: ApiKey
    agent_id: str | None
    agent_address: str | None
    agent_name: str | None
    agent_phone: str | None
    correlation_id: str
    effect: IdempotencyKey | None = None

    @property
    def org_id(self) -> str:
        return self.organization.id

    @property
    def actor(self) -> Actor:
        return Actor(type="agent", id=self.agent_id) if self.agent_id else Actor(type="key", id=self.key.id)

    @property
    def is_master(self) -> bool:
        """Whether the key acts for the whole organization."""
        return self.key.kind in (KeyKind.MASTER, KeyKind.SERVICE)
