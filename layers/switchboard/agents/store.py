"""Agents in the `core` table.

| item | pk | sk |
|---|---|---|
| agent | `<org>` | `agent#<id>` |
| inbox look-up | `inbox#<address>` | `inbox` |

The look-up holds only a pointer. It makes an address unique on the platform.
"""

from __future__ import annotations

from typing import Any

from switchboard.agents.models import Agent
from switchboard.aws import reads
from switchboard.aws.dynamodb import Item
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import ConditionCheck, Put, Update
from switchboard.errors import Conflict, NotFound
from switchboard.kit import texts
from switchboard.persistence.listing import read_query_page


def agent_ref(org_id: str, agent_id: str) -> Ref[Agent]:
    """Returns the reference to an agent."""
    return Ref("core", {"pk": org_id, "sk": f"agent#{agent_id}"}, _parse_agent)


def agent_writes(agent: Agent) -> tuple[Put, Put]:
    pointer = {"pk": f"inbox#{agent.address}", "sk": "inbox", "org_id": agent.org_id, "agent_id": agent.id}
    item = {**agent_ref(agent.org_id, agent.id).key, **agent.model_dump(), "metadata": texts.dump_json(agent.metadata)}
    return (
        Put(table="core", item=item, unless_exists=True),
        Put(table="core", item=pointer, unless_exists=True, otherwise=_taken),
    )


def agent_change_write(agent: Agent, changes: dict[str, Any]) -> Update:
    return Update.set_attributes("core", agent_ref(agent.org_id, agent.id).key, changes)


def agent_exists_check(org_id: str, agent_id: str) -> ConditionCheck:
    """Returns the check that an agent exists, for a commit that depends on it. It raises NotFound at commit."""
    return ConditionCheck(
        table="core", key=agent_ref(org_id, agent_id).key, condition="attribute_exists(pk)", otherwise=_unknown
    )


def _unknown(_: list[Item | None]) -> Exception:
    return NotFound("There is no such agent: check its id.")


def _taken(_: list[Item | None]) -> Exception:
    return Conflict("This username is taken: choose another.", code="username_taken")


def _parse_agent(item: Item) -> Agent:
    return Agent.model_validate({**item, "metadata": texts.load_json(item.get("metadata", {}))})


def get_agent(org_id: str, agent_id: str) -> Agent | None:
    return reads.read_ref(agent_ref(org_id, agent_id))


def get_agent_by_address(address: str) -> Agent | None:
    pointer = reads.get_item("core", {"pk": f"inbox#{address}", "sk": "inbox"})
    return get_agent(pointer["org_id"], pointer["agent_id"]) if pointer else None


def list_agents(org_id: str, limit: int, after: str | None) -> tuple[list[Agent], str | None]:
    """Returns a page of the organization's agents, newest first, and the cursor of the next page."""
    query = Query(table="core", partition=org_id, begins="agent#", forward=False)
    return read_query_page(query, _parse_agent, org_id, "agents", limit, after)
