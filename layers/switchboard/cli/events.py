"""`switchboard events`: sends recorded events to their queues again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

import click

from switchboard.accounts import slugs
from switchboard.cli.arguments import TIME
from switchboard.cli.commands import command_group, print_note, print_rows, progress_bar
from switchboard.events import service as events
from switchboard.fanout import service as fanout
from switchboard.kit import clock

_BATCH = 100
#: Without a terminal, a long replay prints its progress after this many events, and after this many days.
_EVENTS_TOLD, _DAYS_TOLD = 10_000, 30
_ZONED = "a time with a time zone, for example 2026-01-31T12:00:00Z."

events_command = command_group("events")


@events_command.command("replay")
@click.option("--from", "start", type=TIME, required=True, metavar="ISO", help=f"The start: {_ZONED}")
@click.option("--to", "end", type=TIME, required=True, metavar="ISO", help="The end, not included.")
@click.option("--org", metavar="ORG", help="Only events of this organization.")
def replay(start: str, end: str, org: str | None) -> None:
    """Send the events of a time range to their queues again. A worker ignores an event that it has already handled."""
    if start >= end:
        raise click.UsageError("--from must come before --to")
    org_id = slugs.find_organization(org).id if org else None
    days = list(_days(start, end))
    handed_on = sent = told = 0
    with progress_bar(len(days), "Replaying", lambda _: f"{handed_on} events, {sent} jobs") as bar:
        for number, (begin, until) in enumerate(days, start=1):
            waiting = iter(events.events_between(begin, until, org_id))
            while batch := list(islice(waiting, _BATCH)):
                sent += fanout.replay_events(batch)
                handed_on += len(batch)
                bar.update(0)
                if bar.hidden and handed_on // _EVENTS_TOLD > told // _EVENTS_TOLD:
                    told = handed_on
                    _tell(handed_on, sent, batch[-1].at)
            bar.update(1, current_item=until)
            if bar.hidden and number % _DAYS_TOLD == 0:
                _tell(handed_on, sent, until)
    print_rows({"events": handed_on, "jobs": sent})


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
