"""`switchboard agent`: agents and their inboxes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from switchboard.accounts import service as accounts
from switchboard.agents import service as agents
from switchboard.agents.models import Agent
from switchboard.aws.table import commit
from switchboard.cli.command import Noun, note, operator, show, slug

if TYPE_CHECKING:
    from switchboard.cli.command import Nouns

_PAGE = 100


def add_to(nouns: Nouns) -> None:
    """Add the commands."""
    agent = Noun(nouns, "agent", "agents and their inboxes")
    create = agent.verb("create", _create, "create an agent with an inbox; prints its key, once")
    create.add_argument("org", metavar="ORG")
    create.add_argument("username", type=slug, metavar="USERNAME", help="the local part of the inbox's address")
    create.add_argument("--name", metavar="N", help="the display name")
    agent.verb("list", _list, "list an organization's agents, newest first").add_argument("org", metavar="ORG")


def _create(args: argparse.Namespace) -> None:
    org = accounts.organisation(args.org)
    made, writes = agents.new(operator(org.id), org, args.username, args.name or args.username, {}, None)
    commit(writes)
    show(args, {**_row(made.agent), "agent_key": made.key_text})
    note("The key is shown only once: keep it now.")


def _list(args: argparse.Namespace) -> None:
    org = accounts.organisation(args.org)
    found, after = agents.listing(org.id, _PAGE, None)
    while after:
        more, after = agents.listing(org.id, _PAGE, after)
        found += more
    show(args, [_row(agent) for agent in found])


def _row(agent: Agent) -> dict[str, Any]:
    return {
        "agent": agent.id,
        "inbox": agent.address,
        "status": agent.status,
        "created_at": agent.created_at,
        "name": agent.name,
    }
