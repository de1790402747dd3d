"""`switchboard completion`: prints the script that completes commands in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from switchboard import cli
from switchboard.cli.arguments import OneOf
from switchboard.cli.commands import Command

#: The line of a shell's start-up file that loads the script.
_LINES = {
    "bash": 'eval "$(switchboard completion bash)"   # in ~/.bashrc',
    "zsh": 'eval "$(switchboard completion zsh)"   # in ~/.zshrc, after compinit',
    "fish": "switchboard completion fish | source   # in ~/.config/fish/config.fish",
}


@click.command("completion", cls=Command, offline=True, epilog="\b\n" + "\n".join(_LINES.values()))
@click.argument("shell", metavar="SHELL", type=OneOf("a shell that can be completed", _LINES))
def completion_command(shell: str) -> None:
    """Print the completion script of a shell: bash, zsh or fish."""
    made = get_completion_class(shell)
    assert made is not None, "click completes each of these shells"
    click.echo(made(cli.program, {}, "switchboard", "_SWITCHBOARD_COMPLETE").source())
