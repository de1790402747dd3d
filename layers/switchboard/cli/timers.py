"""`switchboard timer`: dead timers, which could not be sent to their queues and were set aside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from switchboard.cli.arguments import POSITIVE
from switchboard.cli.commands import command_group, print_note, print_rows, require_one
from switchboard.errors import Invalid, NotFound
from switchboard.timers import service as timers
from switchboard.timers.models import DeadTimer

if TYPE_CHECKING:
    from switchboard.aws.dynamodb import Item

_PAGE = 100

timer_command = command_group("timer")


@timer_command.command("list")
@click.option("--limit", type=POSITIVE, default=_PAGE, metavar="N", help=f"Show at most this many; {_PAGE} by default.")
def list_timers(limit: int) -> None:
    """List dead timers, oldest first."""
    rows: list[dict[str, Any]] = []
    for dead in _dead():
        if len(rows) == limit:
            print_note(f"There are more than {limit}: show more with --limit.")
            break
        rows.append(
            {
                "timer": dead.id,
                "died_at": dead.died_at,
                "queue": dead.timer.get("queue"),
                "org": dead.timer.get("org_id"),
                "due": dead.timer.get("due"),
                "reason": dead.reason,
            }
        )
    print_rows(rows, "There are no dead timers.")


@timer_command.command("fire")
@require_one("timer", "every")
@click.argument("timer", metavar="TIMER", required=False)
@click.option("--all", "every", is_flag=True, help="Every dead timer.")
def fire(timer: str | None, *, every: bool) -> int:
    """Send a dead timer's job to its queue now. TIMER is an id from `timer list`."""
    fired, unreadable = 0, 0
    for dead in _chosen(timer, every=every):
        try:
            timers.fire_dead_timer(dead)
        except ValueError:
            if not every:
                raise Invalid(f"The timer {dead.id} is unreadable: drop it, and find the reason in the log.") from None
            unreadable += 1
        else:
            fired += 1
    print_rows({"fired": fired, "unreadable": unreadable})
    return 1 if unreadable else 0


@timer_command.command("drop")
@require_one("timer", "every")
@click.argument("timer", metavar="TIMER", required=False)
@click.option("--all", "every", is_flag=True, help="Every dead timer.")
def drop(timer: str | None, *, every: bool) -> None:
    """Delete a dead timer without sending its job."""
    dropped = 0
    for dead in _chosen(timer, every=every):
        timers.delete_dead_timer(dead)
        dropped += 1
    print_rows({"dropped": dropped})


def _chosen(timer: str | None, *, every: bool) -> list[DeadTimer]:
    found = [dead for dead in _dead() if every or dead.id == timer]
    if timer and not found:
        raise NotFound(f"There is no dead timer {timer!r}: see `switchboard timer list`.")
    return found


def _dead() -> Iterator[DeadTimer]:
    start: Item | None = None
    while True:
        found, start = timers.list_dead_timers(_PAGE, start)
        yield from found
        if start is None:
            return
