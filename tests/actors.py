"""Organizations, agents and callers for tests, created through the same services as in production."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from switchboard.access import keys as access
from switchboard.accounts import keys, organizations
from switchboard.accounts.models import Caller, KeyKind
from switchboard.accounts.plans import PlanName
from switchboard.agents import service as agents
from switchboard.aws.writes import commit
from switchboard.dialects.anima import dialect
from switchboard.events.models import Actor, SystemActor
from switchboard.kit import ids
from switchboard.people import service as people
from switchboard.people.models import User
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team import members
from switchboard.team.models import Member
from switchboard.team.permissions import Role


@dataclass(frozen=True)
class Tenant:
    """An organization with a master key and one agent."""

    org_id: str
    agent_id: str
    address: str
    agent_key: str
    master_key: str

    def caller(
        self, *, master: bool = False, effect: IdempotencyKey | None = None, correlation_id: str = "corr_test"
    ) -> Caller:
        """Returns a caller with the tenant's key."""
        snapshot = access.authenticate_key(self.master_key if master else self.agent_key, dialect.KEYS)
        return access.caller_of(snapshot, correlation_id, effect)


def system(org_id: str) -> SystemActor:
    """The system itself, as the actor in an organization."""
    return SystemActor(
        org_id=org_id, actor=Actor(type="system", id="test"), agent_id=None, correlation_id=ids.new_id("corr")
    )


def tenant(slug: str = "acme", plan: PlanName = PlanName.GROWTH, **limits: Any) -> Tenant:
    """Create an organization. `limits` replace single figures of its plan."""
    org = organizations.new_organization(slug.title(), slug, plan)
    org = org.model_copy(update={"limits": limits})
    origin = system(org.id)
    master, master_writes = keys.key_writes(origin, KeyKind.MASTER, "master")
    made, agent_writes = agents.agent_writes(origin, org, slug, slug.title(), {}, None)
    commit(organizations.organization_writes(origin, org), master_writes, agent_writes)
    return Tenant(org.id, made.agent.id, made.agent.address, made.key_text, master.text)


def with_effect(caller: Caller, key: str, fingerprint: str = "fingerprint") -> Caller:
    """Returns the same caller with an Idempotency-Key."""
    return replace(caller, effect=IdempotencyKey(scope=caller.org_id, key=key, fingerprint=fingerprint))


@dataclass(frozen=True)
class Reseller:
    """An organization with a key for the roleplay API."""

    tenant: Tenant
    key: str

    @property
    def org_id(self) -> str:
        return self.tenant.org_id

    def caller(self) -> Caller:
        """Returns a caller with that key. Each call has its own workflow, as each request has."""
        return access.caller_of(access.authenticate_key(self.key, frozenset({KeyKind.ATHOS})), ids.new_id("corr"))


def reseller(slug: str = "acme", plan: PlanName = PlanName.GROWTH, **limits: Any) -> Reseller:
    """Create an organization as a tenant of the roleplay API."""
    made = tenant(slug, plan, **limits)
    key, writes = keys.key_writes(system(made.org_id), KeyKind.ATHOS, "tenant key")
    commit(writes)
    return Reseller(made, key.text)


ISSUER = "https://issuer.example"


def person(name: str = "Ada", email: str | None = None, *, verified: bool = True) -> User:
    """Create a person whom an issuer has identified."""
    address = email or f"{name.lower()}@example.com"
    return people.upsert_user(ISSUER, address, address, email_verified=verified, name=name)


def member(org_id: str, role: Role = Role.ADMIN, name: str = "Ada", effect: IdempotencyKey | None = None) -> Member:
    """Create a person who works in an organization, and return the person as a caller."""
    user = person(name)
    commit(members.membership_writes(system(org_id), user, role))
    return Member(organizations.get_organization(org_id), user, role, "corr_test", effect)
