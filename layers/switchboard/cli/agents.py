"""`switchboard agent`: agents and their inboxes."""

from __future__ import annotations

from typing import Any

import click

from switchboard.accounts.models import Organization
from switchboard.agents import service as agents
from switchboard.agents.models import Agent
from switchboard.aws.writes import commit
from switchboard.cli.arguments import SLUG
from switchboard.cli.commands import command_group, operator_origin, organization_argument, print_note, print_rows

_PAGE = 100

agent_command = command_group("agent")


@agent_command.command("create")
@organization_argument
@click.argument("username", metavar="USERNAME", type=SLUG)
@click.option("--name", metavar="N", help="The display name; the username by default.")
def create_agent(org: Organization, username: str, name: str | None) -> None:
    """Create an agent with an inbox USERNAME@…; prints its key, once."""
    made, writes = agents.agent_writes(operator_origin(org.id), org, username, name or username, {}, None)
    commit(writes)
    print_rows({**_row(made.agent), "agent_key": made.key_text})
    print_note("The key is shown only once: keep it now.")


@agent_command.command("list")
@organization_argument
def list_agents(org: Organization) -> None:
    """List an organization's agents, newest first."""
    found, after = agents.list_agents(org.id, _PAGE, None)
    while after:
        more, after = agents.list_agents(org.id, _PAGE, after)
        found += more
    print_rows([_row(agent) for agent in found], "The organization has no agents: create one with `agent create`.")


def _row(agent: Agent) -> dict[str, Any]:
    return {
        "agent": agent.id,
        "inbox": agent.address,
        "status": agent.status,
        "created_at": agent.created_at,
        "name": agent.name,
    }
