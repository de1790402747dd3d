"""`switchboard events`: sends recorded events to their queues again."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from switchboard.accounts import organizations
from switchboard.cli.commands import CommandGroup, print_note, print_rows, time_argument
from switchboard.events import service as events
from switchboard.fanout import service as fanout
from switchboard.kit import clock

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns

_BATCH = 100
#: A replay of years takes long: it prints its progress after this many events, and after this many days.
_EVENTS_TOLD, _DAYS_TOLD = 10_000, 30


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    verb = CommandGroup(nouns, "events", "send recorded events to their queues again").add_command(
        "replay",
        _replay,
        "send the events of a time range to their queues again; a worker ignores an event that it has already handled",
    )
    zoned = "a time with a time zone, for example 2026-01-31T12:00:00Z"
    verb.add_argument("--from", dest="start", type=time_argument, required=True, metavar="ISO", help=zoned)
    verb.add_argument(
        "--to", dest="end", type=time_argument, required=True, metavar="ISO", help="the end, not included"
    )
    verb.add_argument("--org", metavar="ORG", help="only events of this organization")


def _replay(args: argparse.Namespace) -> None:
    if args.start >= args.end:
        args.usage_error("--from must come before --to")
    if args.org:
        organizations.get_organization(args.org)
    handed_on = sent = told = 0
    for number, (begin, end) in enumerate(_days(args.start, args.end), start=1):
        waiting = iter(events.events_between(begin, end, args.org))
        while batch := list(islice(waiting, _BATCH)):
            sent += fanout.replay_events(batch)
            handed_on += len(batch)
            if handed_on // _EVENTS_TOLD > told // _EVENTS_TOLD:
                told = handed_on
                _tell(handed_on, sent, batch[-1].at)
        if number % _DAYS_TOLD == 0:
            _tell(handed_on, sent, end)
    print_rows(args, {"events": handed_on, "jobs": sent})


def _tell(handed_on: int, sent: int, until: str) -> None:
    print_note(f"{handed_on} events and {sent} jobs up to {until}")


def _days(start: str, end: str) -> Iterator[tuple[str, str]]:
    """The days of a range, each as its start and its end."""
    last = clock.parse(end)
    moment = clock.parse(start)
    while moment < last:
        after = min(last, moment + timedelta(days=1))
        yield clock.format_iso(moment), clock.format_iso(after)
        moment = after
