"""`switchboard queue`: the workers' queues and their dead letters."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from switchboard.aws import dead_letters
from switchboard.cli.commands import CommandGroup, positive_argument, print_rows
from switchboard.errors import NotFound
from switchboard.kit import settings

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    queue = CommandGroup(nouns, "queue", "the workers' queues and their dead letters")
    queue.add_command(
        "list", _list, "list queues with their waiting, in-flight and delayed messages and their dead letters"
    )
    redrive = queue.add_command("redrive", _redrive, "move dead letters back to their queue")
    redrive.add_argument("name", metavar="NAME")
    redrive.add_argument("--max", type=positive_argument, metavar="N", help="move at most this many")


def _list(args: argparse.Namespace) -> None:
    depths = {name: dead_letters.count_messages(name) for name in _names()}
    print_rows(args, [{"queue": name, **depth._asdict()} for name, depth in depths.items()])


def _redrive(args: argparse.Namespace) -> None:
    if args.name not in _names():
        raise NotFound(f"There is no queue {args.name!r}: use one of {', '.join(_names())}.")
    moved = dead_letters.redrive_dead_letters(args.name, args.max)
    print_rows(args, {"queue": args.name, "moved": moved, "dead": dead_letters.count_messages(args.name).dead})


def _names() -> list[str]:
    names = settings.queue_names()
    if not names:
        raise settings.MissingSettingError(f"{settings.PREFIX}QUEUE_… is not set")
    return names
