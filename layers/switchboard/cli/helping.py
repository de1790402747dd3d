"""`switchboard help`: shows the help of a command."""

from __future__ import annotations

import click

from switchboard import cli
from switchboard.cli.commands import Command


@click.command("help", cls=Command, offline=True, help="Show the help of a command.")
@click.argument("words", metavar="[NOUN [COMMAND]]", nargs=-1)
def help_command(words: tuple[str, ...]) -> None:
    command, context = cli.find_command(words)
    click.echo(command.get_help(context))
