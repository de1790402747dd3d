"""Organisations, agents and callers for tests, made through the same services as everyone else's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from switchboard.access import service as access
from switchboard.accounts import service as accounts
from switchboard.accounts.models import Caller, KeyKind
from switchboard.accounts.plans import PlanName
from switchboard.agents import service as agents
from switchboard.aws import ids
from switchboard.aws.effect import Effect
from switchboard.aws.table import commit
from switchboard.edge.dialects import anima
from switchboard.events.models import Actor, Work
from switchboard.people import service as people
from switchboard.people.models import User
from switchboard.team import members
from switchboard.team.models import Member
from switchboard.team.permissions import Role


@dataclass(frozen=True)
class Tenant:
    """An organisation with a master key and one agent."""

    org_id: str
    agent_id: str
    address: str
    agent_key: str
    master_key: str

    def caller(
        self, *, master: bool = False, effect: Effect | None = None, correlation_id: str = "corr_test"
    ) -> Caller:
        """A caller with the tenant's key."""
        snapshot = access.authenticate(self.master_key if master else self.agent_key, anima.KEYS)
        return access.caller(snapshot, correlation_id, effect)


def system(org_id: str) -> Work:
    """The system itself, at work in an organisation."""
    return Work(org_id=org_id, actor=Actor(type="system", id="test"), agent_id=None, correlation_id=ids.new("corr"))


def tenant(slug: str = "acme", plan: PlanName = PlanName.GROWTH, **limits: Any) -> Tenant:
    """A new organisation. `limits` replace single figures of its plan."""
    org = accounts.new_organisation(slug.title(), slug, plan)
    org = org.model_copy(update={"limits": limits})
    origin = system(org.id)
    master, master_writes = accounts.new_key(origin, KeyKind.MASTER, "master")
    made, agent_writes = agents.new(origin, org, slug, slug.title(), {}, None)
    commit(accounts.opening(origin, org), master_writes, agent_writes)
    return Tenant(org.id, made.agent.id, made.agent.address, made.key_text, master.text)


def with_effect(caller: Caller, key: str, fingerprint: str = "fingerprint") -> Caller:
    """The same caller, with an Idempotency-Key."""
    return replace(caller, effect=Effect(scope=caller.org_id, key=key, fingerprint=fingerprint))


@dataclass(frozen=True)
class Reseller:
    """An organisation with a key for the roleplay API."""

    tenant: Tenant
    key: str

    @property
    def org_id(self) -> str:
        return self.tenant.org_id

    def caller(self) -> Caller:
        """A caller with that key, in a workflow of its own as each of its requests is."""
        return access.caller(access.authenticate(self.key, frozenset({KeyKind.ATHOS})), ids.new("corr"))


def reseller(slug: str = "acme", plan: PlanName = PlanName.GROWTH, **limits: Any) -> Reseller:
    """A new organisation as a tenant of the roleplay API."""
    made = tenant(slug, plan, **limits)
    key, writes = accounts.new_key(system(made.org_id), KeyKind.ATHOS, "tenant key")
    commit(writes)
    return Reseller(made, key.text)


ISSUER = "https://issuer.example"


def person(name: str = "Ada", email: str | None = None, *, verified: bool = True) -> User:
    """Somebody whom an issuer vouches for."""
    address = email or f"{name.lower()}@example.com"
    return people.recognise(ISSUER, address, address, email_verified=verified, name=name)


def member(org_id: str, role: Role = Role.ADMIN, name: str = "Ada", effect: Effect | None = None) -> Member:
    """Somebody who works in an organisation, and calls."""
    user = person(name)
    commit(members.membership_writes(system(org_id), user, role))
    return Member(accounts.organisation(org_id), user, role, "corr_test", effect)
