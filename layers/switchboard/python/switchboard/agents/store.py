"""Agents in the `core` table.

| item | pk | sk |
|---|---|---|
| agent | `<org>` | `agent#<id>` |
| inbox look-up | `inbox#<address>` | `inbox` |

The look-up holds only a pointer. It makes an address unique on the platform.
"""

from __future__ import annotations

from switchboard.agents.models import Agent
from switchboard.aws import freejson, table
from switchboard.aws.table import Check, Item, Key, Put, Query
from switchboard.errors import Conflict, NotFound
from switchboard.kit.listing import page_of


def key(org_id: str, agent_id: str) -> Key:
    return {"pk": org_id, "sk": f"agent#{agent_id}"}


def put(agent: Agent) -> tuple[Put, Put]:
    pointer = {"pk": f"inbox#{agent.address}", "sk": "inbox", "org_id": agent.org_id, "agent_id": agent.id}
    item = {**key(agent.org_id, agent.id), **agent.model_dump(), "metadata": freejson.dump(agent.metadata)}
    return (
        Put(table="core", item=item, unless_exists=True),
        Put(table="core", item=pointer, unless_exists=True, otherwise=_taken),
    )


def existing(org_id: str, agent_id: str) -> Check:
    return Check(table="core", key=key(org_id, agent_id), condition="attribute_exists(pk)", otherwise=_unknown)


def _unknown(_: list[Item | None]) -> Exception:
    return NotFound("There is no such agent.")


def _taken(_: list[Item | None]) -> Exception:
    return Conflict("This username is taken: choose another.", code="username_taken")


def read(item: Item) -> Agent:
    return Agent.model_validate({**item, "metadata": freejson.load(item.get("metadata", {}))})


def get(org_id: str, agent_id: str) -> Agent | None:
    item = table.get("core", key(org_id, agent_id))
    return read(item) if item else None


def get_by_address(address: str) -> Agent | None:
    pointer = table.get("core", {"pk": f"inbox#{address}", "sk": "inbox"})
    return get(pointer["org_id"], pointer["agent_id"]) if pointer else None


def list_agents(org_id: str, limit: int, after: str | None) -> tuple[list[Agent], str | None]:
    query = Query(table="core", partition=org_id, begins="agent#", forward=False)
    return page_of(query, read, org_id, "agents", limit, after)
