"""`switchboard queue`: the workers' queues and their dead letters."""

from __future__ import annotations

import click

from switchboard.aws import dead_letters
from switchboard.cli.arguments import POSITIVE
from switchboard.cli.commands import command_group, print_rows
from switchboard.errors import NotFound
from switchboard.kit import settings

queue_command = command_group("queue")


@queue_command.command("list")
def list_queues() -> None:
    """List queues with their waiting, in-flight and delayed messages and their dead letters."""
    print_rows([{"queue": name, **dead_letters.count_messages(name)._asdict()} for name in _names()])


@queue_command.command("redrive")
@click.argument("name", metavar="NAME")
@click.option("--max", "most", type=POSITIVE, metavar="N", help="Move at most this many.")
def redrive(name: str, most: int | None) -> None:
    """Move dead letters back to their queue."""
    if name not in _names():
        raise NotFound(f"There is no queue {name!r}: use one of {', '.join(_names())}.")
    moved = dead_letters.redrive_dead_letters(name, most)
    print_rows({"queue": name, "moved": moved, "dead": dead_letters.count_messages(name).dead})


def _names() -> list[str]:
    names = settings.queue_names()
    if not names:
        raise settings.MissingSettingError(f"{settings.PREFIX}QUEUE_… is not set")
    return names
