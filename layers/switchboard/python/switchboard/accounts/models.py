"""Organisations, keys, and the caller that a request turns out to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from switchboard.accounts.plans import Plan, PlanName, plan
from switchboard.aws.effect import Effect
from switchboard.events.models import Actor


class HardCap(BaseModel):
    """The organisation's own monthly spending limit. `meters` tells which kinds of use count towards it."""

    enabled: bool = False
    monthly_cap_cents: int = Field(default=0, ge=0, le=100_000_000)
    meters: dict[str, bool] = Field(default_factory=lambda: {"email": True, "sms": True, "voice": True})


class VoiceProvider(StrEnum):
    """Whose voice models an organisation's calls use where nothing else is said."""

    OPENAI = "openai"
    GEMINI = "gemini"
    ELEVENLABS = "elevenlabs"


class Organisation(BaseModel):
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
    #: The number that its calls come from, where an agent has none of its own.
    caller_id: str | None = None
    #: Its own hours for calling, narrower than the law's: `{"start": "09:00", "end": "18:00"}`, local to who is called.
    calling_hours: dict[str, str] | None = None
    owner_email: str | None = None
    #: The IANA zone that its days and hours are counted in.
    timezone: str = "UTC"
    hard_cap: HardCap = Field(default_factory=HardCap)
    #: Tells this cap from those before it, for claims (switchboard.accounts.stops).
    cap_mark: str | None = None
    #: Limits that were agreed on one by one and replace the plan's: requests_per_minute, emails_per_month …
    limits: dict[str, int] = Field(default_factory=dict)
    created_at: str
    updated_at: str

    @property
    def terms(self) -> Plan:
        """The plan's terms, with what was agreed on for this organisation in place of the plan's own figures."""
        terms = plan(self.plan)
        changes: dict[str, Any] = {name: value for name, value in self.limits.items() if hasattr(terms, name)}
        return replace(terms, **changes) if changes else terms


class KeyKind(StrEnum):
    """The kinds of API key. The value is the text that every key of the kind begins with."""

    AGENT = "ak_"
    MASTER = "mk_"
    SERVICE = "sk_"
    OPTICOMM_LIVE = "sk_live_"
    OPTICOMM_TEST = "sk_test_"
    ATHOS = "ath_live_"


class Restrictions(BaseModel):
    """What a key may do less than its kind may. An empty list restricts nothing."""

    model_config = ConfigDict(frozen=True)

    #: Networks in CIDR form, IPv4 and IPv6, that it may be used from.
    ip_allowlist: list[str] = Field(default_factory=list)
    #: Agents that it may let call.
    agents: list[str] = Field(default_factory=list)
    requests_per_minute: int | None = Field(default=None, ge=1)
    requests_per_day: int | None = Field(default=None, ge=1)
    #: The consent on which its calls rest where a request states none and the ledger has none: source and day.
    consent_source: str | None = None
    consent_date: str | None = None

    @field_validator("ip_allowlist")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        # An address with a longer network's mask is a typing error: whoever wrote it meant something else.
        return [str(ip_network(text.strip())) for text in value]

    def admits(self, address: str) -> bool:
        """Whether the key may be used from an address. An IPv4 address in IPv6's clothes is the IPv4 address."""
        if not self.ip_allowlist:
            return True
        try:
            found = ip_address(address)
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in ip_network(text) for text in self.ip_allowlist)


class ApiKey(BaseModel):
    """A key, as it may be shown at any time: never its text, which is stored as a hash."""

    id: str
    org_id: str
    agent_id: str | None = None
    kind: KeyKind
    name: str
    prefix: str
    hash: str
    #: What it may do, where its kind knows permissions; all of it if there are none.
    scopes: list[str] = Field(default_factory=list)
    restrictions: Restrictions = Field(default_factory=Restrictions)
    created_at: str
    created_by: str
    expires_at: str | None = None
    revoked_at: str | None = None
    last_used_at: str | None = None
    rotated_to: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, for which organisation, in which workflow. `effect` is set when the request may be retried."""

    organisation: Organisation
    key: ApiKey
    agent_id: str | None
    agent_address: str | None
    agent_name: str | None
    agent_phone: str | None
    correlation_id: str
    effect: Effect | None = None

    @property
    def org_id(self) -> str:
        return self.organisation.id

    @property
    def actor(self) -> Actor:
        return Actor(type="agent", id=self.agent_id) if self.agent_id else Actor(type="key", id=self.key.id)

    @property
    def is_master(self) -> bool:
        """Whether the key acts for the whole organisation."""
        return self.key.kind in (KeyKind.MASTER, KeyKind.SERVICE)
