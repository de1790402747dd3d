"""Operate Switchboard, on this machine or in AWS."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from switchboard.cli.commands import Group, options_of
from switchboard.cli.nouns import NOUNS

_EPILOG = (
    "Without --local and --stage, a command uses the SWITCHBOARD_* variables of the environment, or else the stack in"
    " .local."
)


class Program(Group):
    """All commands, by noun. The module of a noun is imported when one of its commands runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 the signature of click
        """Returns the nouns in the order of the help."""
        return list(NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 as above
        """Returns the command of a noun: a group of commands, or a single one."""
        if cmd_name not in NOUNS:
            return None
        found: click.Command = getattr(import_module(f"{__name__}.{NOUNS[cmd_name].module}"), f"{cmd_name}_command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 as above
        """Writes the nouns of each topic, without importing their modules."""
        for topic in dict.fromkeys(noun.topic for noun in NOUNS.values()):
            with formatter.section(topic):
                formatter.write_dl([(name, noun.summary) for name, noun in NOUNS.items() if noun.topic == topic])


@click.group(
    "switchboard",
    cls=Program,
    help=__doc__,
    epilog=_EPILOG,
    subcommand_metavar="NOUN COMMAND [ARGS]…",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="switchboard", message="%(prog)s %(version)s")
@click.pass_context
def program(context: click.Context) -> None:
    """Sets the color of all output: https://no-color.org."""
    if os.environ.get("NO_COLOR"):
        context.color = False


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. Returns 0, 1 for a refusal or a found fault, 2 for wrong usage, 3 if nothing was proven."""
    words = expand_local_option(sys.argv[1:] if argv is None else argv)
    try:
        code = program.main(words, prog_name="switchboard", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        # Without any word, the person asks for help. A noun without its command is a mistake.
        is_root = error.ctx is not None and error.ctx.parent is None
        click.echo(error.format_message(), err=not is_root)
        return 0 if is_root else error.exit_code
    except BrokenPipeError:
        # The reader of the output has closed the pipe: nothing may be flushed into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        from switchboard.cli import failures  # for a short start: only a failure needs it

        failure = failures.describe_failure(error)
        if failure is None:
            raise
        failures.print_failure(failure, error, as_json="--json" in words)
        return failure.exit_code
    return code if isinstance(code, int) else 0


def expand_local_option(argv: Sequence[str]) -> list[str]:
    """Returns the arguments with the default path after `--local`, unless a path follows it already."""
    words: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--local":
            word = f"--local={rest.pop(0) if rest and (rest[0][:1] in './~' and rest[0]) else '.local'}"
        words.append(word)
    return words


def find_command(words: Sequence[str]) -> tuple[click.Command, click.Context]:
    """Returns the command that words name, and its context, for its help. Raises UsageError for an unknown command."""
    command: click.Command = program
    context = click.Context(program, info_name="switchboard")
    for word in words:
        found: Any = command.get_command(context, word) if isinstance(command, click.Group) else None
        if found is None:
            raise click.UsageError(f"there is no command {' '.join(words)!r}", context)
        command, context = found, click.Context(found, info_name=word, parent=context)
    return command, context


__all__ = ["expand_local_option", "find_command", "main", "options_of", "program"]
