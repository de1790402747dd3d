"""`switchboard timer`: dead timers, which could not be sent to their queues and were set aside."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from switchboard.cli.commands import CommandGroup, positive_argument, print_note, print_rows
from switchboard.errors import Invalid, NotFound
from switchboard.timers import service as timers
from switchboard.timers.models import DeadTimer

if TYPE_CHECKING:
    from switchboard.aws.dynamodb import Item
    from switchboard.cli.commands import Nouns

_PAGE = 100


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    timer = CommandGroup(nouns, "timer", "dead timers, which could not be sent to their queues and were set aside")
    listed = timer.add_command("list", _list, "list dead timers, oldest first")
    listed.add_argument(
        "--limit",
        type=positive_argument,
        default=_PAGE,
        metavar="N",
        help=f"show at most this many; {_PAGE} by default",
    )
    for name, run, summary in (
        ("fire", _fire, "send a dead timer's job to its queue now"),
        ("drop", _drop, "delete a dead timer without sending its job"),
    ):
        verb = timer.add_command(name, run, summary)
        verb.add_argument("timer", metavar="TIMER", nargs="?", help="an id from `timer list`")
        verb.add_argument("--all", action="store_true", help="every dead timer")


def _list(args: argparse.Namespace) -> None:
    rows: list[dict[str, Any]] = []
    for dead in _dead():
        if len(rows) == args.limit:
            print_note(f"There are more than {args.limit}: show more with --limit.")
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
    print_rows(args, rows)


def _fire(args: argparse.Namespace) -> int:
    fired, unreadable = 0, 0
    for dead in _chosen(args):
        try:
            timers.fire_dead_timer(dead)
        except ValueError:
            if not args.all:
                raise Invalid(f"The timer {dead.id} is unreadable: drop it, and find the reason in the log.") from None
            unreadable += 1
        else:
            fired += 1
    print_rows(args, {"fired": fired, "unreadable": unreadable})
    return 1 if unreadable else 0


def _drop(args: argparse.Namespace) -> None:
    dropped = 0
    for dead in _chosen(args):
        timers.delete_dead_timer(dead)
        dropped += 1
    print_rows(args, {"dropped": dropped})


def _chosen(args: argparse.Namespace) -> list[DeadTimer]:
    if bool(args.timer) == args.all:
        args.usage_error("give either a TIMER or --all")
    found = [dead for dead in _dead() if args.all or dead.id == args.timer]
    if args.timer and not found:
        raise NotFound(f"There is no dead timer {args.timer!r}: see `switchboard timer list`.")
    return found


def _dead() -> Iterator[DeadTimer]:
    start: Item | None = None
    while True:
        found, start = timers.list_dead_timers(_PAGE, start)
        yield from found
        if start is None:
            return
