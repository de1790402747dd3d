"""Rules of agents."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from switchboard.accounts import keys, organizations
from switchboard.accounts.models import Caller, KeyKind, Organization
from switchboard.agents import store
from switchboard.agents.models import Agent
from switchboard.agents.store import agent_exists_check, agent_ref, list_agents
from switchboard.aws.writes import Writes, commit
from switchboard.errors import Forbidden, Invalid, NotFound, QuotaExceeded
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject, SystemActor
from switchboard.kit import clock, ids, settings
from switchboard.kit.background import BackgroundTask
from switchboard.persistence.idempotency import commit_once

__all__ = ["agent_exists_check", "agent_ref", "list_agents"]

#: Local parts that look like the platform itself, or that mail standards reserve (RFC 2142).
RESERVED_SLUGS = frozenset(
    """
    abuse admin administrator billing help hostmaster info mailer-daemon no-reply noreply postmaster root security
    support webmaster welcome
    """.split()  # noqa: SIM905 a list of quoted words would be four times as long
)


class NewAgent(NamedTuple):
    """An agent and the text of its first key. The text is returned only once."""

    agent: Agent
    key_text: str


def inbox_address(slug: str) -> str:
    """Returns the address of the inbox with a local part."""
    return f"{slug}@{settings.text('AGENTS_DOMAIN')}"


def agent_writes(
    origin: Origin, org: Organization, slug: str, name: str, metadata: dict[str, Any], seed: bytes | None
) -> tuple[NewAgent, list[Writes]]:
    """Returns an agent with an inbox and an `ak_` key, and the writes that store them.

    Raises Invalid for a reserved username. The writes raise Conflict at commit for a username that is taken, and
    QuotaExceeded beyond the plan's number of agents.
    """
    if slug in RESERVED_SLUGS or slug.strip("-") != slug:
        raise Invalid(
            "This username is reserved, or begins or ends with a hyphen: choose another.",
            fields={"username": "is reserved, or begins or ends with a hyphen"},
        )
    now = clock.now_iso()
    agent = Agent(
        id=ids.new_id("agt"),
        org_id=origin.org_id,
        name=name,
        slug=slug,
        address=inbox_address(slug),
        metadata=metadata,
        created_at=now,
        updated_at=now,
    )
    made, key_writes = keys.key_writes(origin, KeyKind.AGENT, f"{slug} key", agent_id=agent.id, seed=seed)
    agent = agent.model_copy(update={"key_prefix": made.key.prefix})
    limit = org.terms.agents
    room = organizations.gauge_write(
        org.id,
        "agents",
        1,
        limit,
        lambda _: QuotaExceeded(
            f"The plan allows {limit} agents: change the plan to add more.",
            code="agent_limit",
            resource="agents",
            current=limit,
            cap=limit,
        ),
    )
    event_write = events.new_event_write(origin, "agent.created", Subject(type="agent", id=agent.id), slug=slug)
    return NewAgent(agent, made.text), [room, *store.agent_writes(agent), key_writes, event_write]


def create_agent(caller: Caller, slug: str, name: str, metadata: dict[str, Any]) -> NewAgent:
    """Creates an agent in the caller's organization. Raises what `agent_writes` and its writes raise."""
    seed = caller.effect.derive_seed("agent") if caller.effect else None
    made, writes = agent_writes(caller, caller.organization, slug, name, metadata, seed)
    if done := commit_once(caller.effect, made.agent.id, writes):
        assert caller.effect is not None
        text = keys.key_text(KeyKind.AGENT, caller.effect.derive_seed("agent", done.salt))
        return NewAgent(get_agent(caller.org_id, done.subject_id), text)
    return made


def get_agent(org_id: str, agent_id: str) -> Agent:
    """Returns an agent of an organization. Raises NotFound."""
    found = store.get_agent(org_id, agent_id)
    if not found:
        raise _no_such_agent()
    return found


def delete_agent(origin: Origin, agent_id: str) -> None:
    """Deletes an agent: its keys are refused, and its inbox takes no more mail. Its address is never given again.

    Deleting a deleted agent changes nothing. Raises NotFound.
    """
    agent = get_agent(origin.org_id, agent_id)
    if agent.status == "deleted":
        return
    event_write = events.new_event_write(origin, "agent.deleted", Subject(type="agent", id=agent.id), slug=agent.slug)
    commit(store.agent_change_write(agent, {"status": "deleted", "updated_at": clock.now_iso()}), event_write)


def get_visible_agent(caller: Caller, agent_id: str) -> Agent:
    """Returns an agent that a caller may see. An agent key sees its own agent only. Raises NotFound."""
    if not caller.is_master and agent_id != caller.agent_id:
        raise _no_such_agent()
    return get_agent(caller.org_id, agent_id)


def _no_such_agent() -> NotFound:
    return NotFound("There is no such agent: check its id.")


def create_key(caller: Caller, kind: KeyKind, name: str, agent_id: str | None, expires_at: str | None) -> keys.NewKey:
    """Creates a key of an organization, or of an agent. Raises NotFound for another agent, and Invalid."""
    guards = [agent_exists_check(caller.org_id, agent_id)] if agent_id else []
    return keys.create_key(caller, kind, name, guards, agent_id=agent_id, expires_at=expires_at)


def find_agent_by_address(address: str) -> Agent | None:
    """Returns the agent with an inbox address. A `+` in the local part and the text after it are ignored."""
    local, _, domain = address.strip().lower().rpartition("@")
    slug = local.partition("+")[0]
    if not slug or domain != settings.text("AGENTS_DOMAIN").lower():
        return None
    found = store.get_agent_by_address(inbox_address(slug))
    return found if found and found.status != "deleted" else None


class ActingAgent(NamedTuple):
    """The agent that a request acts as."""

    id: str
    address: str
    name: str
    phone_number: str | None


def choose_agent(caller: Caller, agent_id: str | None) -> BackgroundTask[ActingAgent]:
    """Returns the agent that a caller acts as: the agent of an agent key, or the agent that a master key names.

    An agent key needs no read. For a master key the task reads the agent: call its `start` to read in parallel with
    other reads.

    Raises Forbidden for an agent key that names another agent, Invalid for a master key that names none. The task's
    `result` raises NotFound.
    """
    if caller.agent_id and caller.agent_address and caller.agent_name:
        if agent_id not in (None, caller.agent_id):
            raise Forbidden("An agent key acts as its own agent only: omit agentId, or use a master key.")
        return BackgroundTask.with_result(
            ActingAgent(caller.agent_id, caller.agent_address, caller.agent_name, caller.agent_phone)
        )
    if not agent_id:
        raise Invalid(
            "Name the agent: agentId is required with a master key.",
            fields={"agentId": "is required with a master key"},
        )
    return BackgroundTask(partial(_read_acting_agent, caller.org_id, agent_id))


def _read_acting_agent(org_id: str, agent_id: str) -> ActingAgent:
    agent = get_agent(org_id, agent_id)
    return ActingAgent(agent.id, agent.address, agent.name, agent.phone_number)


def origin_as_agent(caller: Caller, agent_id: str) -> Origin:
    """Returns the origin of an action in the name of an agent. For a master key, the key stays the actor."""
    if caller.agent_id:
        return caller
    return SystemActor(
        org_id=caller.org_id, actor=caller.actor, agent_id=agent_id, correlation_id=caller.correlation_id
    )
