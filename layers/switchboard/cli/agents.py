"""`switchboard agent`: agents and their inboxes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from switchboard.accounts import organizations
from switchboard.agents import service as agents
from switchboard.agents.models import Agent
from switchboard.aws.writes import commit
from switchboard.cli.commands import CommandGroup, operator_origin, print_note, print_rows, slug_argument

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns

_PAGE = 100


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    agent = CommandGroup(nouns, "agent", "agents and their inboxes")
    create = agent.add_command("create", _create, "create an agent with an inbox; prints its key, once")
    create.add_argument("org", metavar="ORG")
    create.add_argument(
        "username", type=slug_argument, metavar="USERNAME", help="the local part of the inbox's address"
    )
    create.add_argument("--name", metavar="N", help="the display name")
    agent.add_command("list", _list, "list an organization's agents, newest first").add_argument("org", metavar="ORG")


def _create(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    made, writes = agents.agent_writes(
        operator_origin(org.id), org, args.username, args.name or args.username, {}, None
    )
    commit(writes)
    print_rows(args, {**_row(made.agent), "agent_key": made.key_text})
    print_note("The key is shown only once: keep it now.")


def _list(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    found, after = agents.list_agents(org.id, _PAGE, None)
    while after:
        more, after = agents.list_agents(org.id, _PAGE, after)
        found += more
    print_rows(args, [_row(agent) for agent in found])


def _row(agent: Agent) -> dict[str, Any]:
    return {
        "agent": agent.id,
        "inbox": agent.address,
        "status": agent.status,
        "created_at": agent.created_at,
        "name": agent.name,
    }
