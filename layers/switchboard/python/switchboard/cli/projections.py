"""`switchboard projections`: deletes counts and lists that are computed from events, so that a replay rebuilds them."""

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
    verb = Noun(nouns, "projections", "counts and lists that are computed from events").verb(
        "clear", _clear, "delete a projection of an organization; `switchboard events replay` rebuilds it"
    )
    verb.add_argument("name", metavar="NAME", choices=sorted(projections.PROJECTIONS))
    verb.add_argument("--org", metavar="ORG", required=True)


def _clear(args: argparse.Namespace) -> None:
    org = accounts.organisation(args.org)
    removed = projections.clear(org.id, args.name)
    show(args, {"organization": org.id, "projection": args.name, "removed": removed})
