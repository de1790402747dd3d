"""`switchboard events`: what happened, handed on once more."""

from __future__ import annotations

import argparse
from itertools import islice
from typing import TYPE_CHECKING

from switchboard.accounts import service as accounts
from switchboard.cli.command import Noun, moment, show
from switchboard.events import service as events
from switchboard.fanout import service as fanout

if TYPE_CHECKING:
    from switchboard.cli.command import Nouns

_BATCH = 100


def add_to(nouns: Nouns) -> None:
    """Add the commands."""
    verb = Noun(nouns, "events", "what happened").verb(
        "replay", _replay, "run the fan-out again for a time range; whoever had an event already lets it pass"
    )
    verb.add_argument("--from", dest="start", type=moment, required=True, metavar="ISO")
    verb.add_argument("--to", dest="end", type=moment, required=True, metavar="ISO", help="not included")
    verb.add_argument("--org", metavar="ORG", help="of this organisation only")


def _replay(args: argparse.Namespace) -> None:
    if args.start >= args.end:
        args.usage_error("--from must come before --to")
    if args.org:
        accounts.organisation(args.org)
    waiting = iter(events.between(args.start, args.end, args.org))
    handed_on = sent = 0
    while batch := list(islice(waiting, _BATCH)):
        sent += fanout.replay(batch)
        handed_on += len(batch)
    show(args, {"events": handed_on, "jobs": sent})
