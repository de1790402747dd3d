"""`switchboard projections`: deletes counts and lists that are computed from events, so that a replay rebuilds them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from switchboard.accounts import organizations
from switchboard.cli.commands import CommandGroup, print_rows
from switchboard.projections import service as projections

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    verb = CommandGroup(nouns, "projections", "counts and lists that are computed from events").add_command(
        "clear", _clear, "delete a projection of an organization; `switchboard events replay` rebuilds it"
    )
    verb.add_argument("name", metavar="NAME", choices=sorted(projections.PROJECTIONS))
    verb.add_argument("--org", metavar="ORG", required=True)


def _clear(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    removed = projections.clear_projection(org.id, args.name)
    print_rows(args, {"organization": org.id, "projection": args.name, "removed": removed})
