"""`switchboard projections`: what is made from events, removed so that a replay makes it again."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from switchboard.accounts import service as accounts
from switchboard.cli.command import Noun, show
from switchboard.projections import service as projections

if TYPE_CHECKING:
    from switchboard.cli.command import Nouns


def add_to(nouns: Nouns) -> None:
    """Add the commands."""
    verb = Noun(nouns, "projections", "what is made from events").verb(
        "clear", _clear, "remove one of an organisation; `switchboard events replay` makes it again"
    )
    verb.add_argument("name", metavar="NAME", choices=sorted(projections.PROJECTIONS))
    verb.add_argument("--org", metavar="ORG", required=True)


def _clear(args: argparse.Namespace) -> None:
    org = accounts.organisation(args.org)
    removed = projections.clear(org.id, args.name)
    show(args, {"organization": org.id, "projection": args.name, "removed": removed})
