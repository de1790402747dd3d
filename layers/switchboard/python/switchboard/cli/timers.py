"""`switchboard timer`: timers that could not be handed to their queues, and were set aside."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from switchboard.cli.command import Noun, note, positive, show
from switchboard.errors import Invalid, NotFound
from switchboard.timers import service as timers
from switchboard.timers.models import DeadTimer

if TYPE_CHECKING:
    from switchboard.aws.table import Item
    from switchboard.cli.command import Nouns

_PAGE = 100


def add_to(nouns: Nouns) -> None:
    """Add the commands."""
    timer = Noun(nouns, "timer", "timers that could not be handed to their queues, and were set aside")
    listed = timer.verb("list", _list, "list dead timers, oldest first")
    listed.add_argument(
        "--limit", type=positive, default=_PAGE, metavar="N", help=f"how many at most; {_PAGE} by default"
    )
    for name, run, summary in (
        ("fire", _fire, "hand a dead timer's job to its queue now"),
        ("drop", _drop, "give a dead timer up"),
    ):
        verb = timer.verb(name, run, summary)
        verb.add_argument("timer", metavar="TIMER", nargs="?", help="an id as `timer list` shows it")
        verb.add_argument("--all", action="store_true", help="every dead timer")


def _list(args: argparse.Namespace) -> None:
    rows: list[dict[str, Any]] = []
    for dead in _dead():
        if len(rows) == args.limit:
            note(f"There are more than {args.limit}: see them with --limit.")
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
    show(args, rows)


def _fire(args: argparse.Namespace) -> int:
    fired, unreadable = 0, 0
    for dead in _chosen(args):
        try:
            timers.fire_dead(dead)
        except ValueError:
            if not args.all:
                raise Invalid(f"The timer {dead.id} cannot be read: drop it, and see why in the log.") from None
            unreadable += 1
        else:
            fired += 1
    show(args, {"fired": fired, "unreadable": unreadable})
    return 1 if unreadable else 0


def _drop(args: argparse.Namespace) -> None:
    dropped = 0
    for dead in _chosen(args):
        timers.drop_dead(dead)
        dropped += 1
    show(args, {"dropped": dropped})


def _chosen(args: argparse.Namespace) -> list[DeadTimer]:
    if bool(args.timer) == args.all:
        args.usage_error("either a TIMER or --all")
    found = [dead for dead in _dead() if args.all or dead.id == args.timer]
    if args.timer and not found:
        raise NotFound(f"There is no dead timer {args.timer!r}.")
    return found


def _dead() -> Iterator[DeadTimer]:
    start: Item | None = None
    while True:
        found, start = timers.dead_timers(_PAGE, start)
        yield from found
        if start is None:
            return
