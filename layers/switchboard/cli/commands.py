"""Shared parts of all commands: groups, the common options, the acting operator, and output."""

from __future__ import annotations

import functools
import getpass
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from switchboard.cli.nouns import NOUNS

if TYPE_CHECKING:
    from switchboard.events.models import SystemActor

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class CommonOptions:
    """The options that may stand before or after any command."""

    json: bool = False
    local: str | None = None
    stage: str | None = None


def common_options() -> list[click.Parameter]:
    """Returns the common options. Each place of an option sets the same `CommonOptions`."""

    def option(name: str, summary: str, **more: Any) -> click.Option:
        def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
            if value:
                setattr(options_of(context), str(parameter.name), value)

        return click.Option([f"--{name}"], help=summary, expose_value=False, callback=keep, **more)

    return [
        option("json", "Print JSON.", is_flag=True),
        option("local", "Use the stack on this machine; HOME is .local by default.", metavar="HOME"),
        option("stage", "Use this deployment of the current AWS account and region.", metavar="NAME"),
    ]


def options_of(context: click.Context) -> CommonOptions:
    """Returns the common options of the command line."""
    return context.find_root().ensure_object(CommonOptions)


class Command(click.Command):
    """A command. It loads the settings of its deployment first, unless it is `offline`.

    `offline` may be a function of the parsed arguments.
    """

    def __init__(self, *args: Any, offline: bool | Callable[[dict[str, Any]], bool] = False, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params += common_options()
        self._offline = offline

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command on its deployment."""
        options = options_of(ctx)
        if options.local and options.stage:
            raise click.UsageError("give --local or --stage, not both", ctx)
        if not (self._offline(ctx.params) if callable(self._offline) else self._offline):
            from switchboard.cli import deployments  # for a short start: help and completion need no deployment

            deployments.load_settings(options.local, options.stage)
        return super().invoke(ctx)


class Group(click.Group):
    """The commands about one kind of thing."""

    command_class = Command

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params += common_options()

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 the signature of click
        """Returns the commands in the order of the file."""
        return list(self.commands)


def command_group(name: str) -> Group:
    """Returns the group of a noun, without its commands. Its summary is in `nouns.NOUNS`."""
    return Group(name, help=_sentence(NOUNS[name].summary))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def organization_argument(command: F) -> F:
    """Adds the argument ORG, an id or a slug. The command gets the organization as `org`."""

    @functools.wraps(command)
    def with_organization(*args: Any, org: str, **values: Any) -> Any:
        from switchboard.accounts import slugs  # for a short start, as above

        return command(*args, org=slugs.find_organization(org), **values)

    return click.argument("org", metavar="ORG")(with_organization)  # type: ignore[return-value]


def require_one(*names: str) -> Callable[[F], F]:
    """Makes a command refuse its parameters unless exactly one of `names` is given, before it looks anything up."""
    return _counting(names, 1)


def forbid_two(*names: str) -> Callable[[F], F]:
    """Makes a command refuse its parameters if more than one of `names` is given, before it looks anything up."""
    return _counting(names, 0)


def _counting(names: tuple[str, ...], least: int) -> Callable[[F], F]:
    def decorate(command: F) -> F:
        @functools.wraps(command)
        def counted(*args: Any, **values: Any) -> Any:
            given = sum(values[name] not in (None, False, ()) for name in names)
            if not least <= given <= 1:
                known = {parameter.name: parameter for parameter in click.get_current_context().command.params}
                shown = ", ".join(name_of(known[name]) for name in names)
                raise click.UsageError(f"give {'only ' if given else ''}one of {shown}")
            return command(*args, **values)

        return counted  # type: ignore[return-value]

    return decorate


def name_of(parameter: click.Parameter) -> str:
    """Returns the name of a parameter as a person writes it: `--json`, `ORG`."""
    longest = max(parameter.opts, key=len)
    return longest if longest.startswith("-") else parameter.human_readable_name.strip("[]")


def confirm_destruction(question: str, word: str, *, is_sure: bool) -> None:
    """Asks the person to type a word, unless `--yes` was given. Raises Abort for another answer."""
    if is_sure:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("give --yes: there is no terminal to ask")
    click.echo(question, err=True)
    if click.prompt(f"Type {word} to continue", default="", show_default=False, err=True) != word:
        raise click.Abort


def operator_origin(org_id: str) -> SystemActor:
    """The person at the terminal, as the origin of changes."""
    from switchboard.events.models import Actor, SystemActor  # for a short start, as above
    from switchboard.kit import ids

    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = "cli"
    return SystemActor(
        org_id=org_id, actor=Actor(type="operator", id=user), agent_id=None, correlation_id=ids.new_id("corr")
    )


def is_json() -> bool:
    """Whether the person asked for JSON."""
    return options_of(click.get_current_context()).json


def print_rows(found: dict[str, Any] | Sequence[dict[str, Any]], nothing: str = "There is nothing to list.") -> None:
    """Prints one row or a list of rows, as aligned text or as JSON. `nothing` says on stderr that a list is empty."""
    if is_json():
        click.echo(json.dumps(found, ensure_ascii=False))
    elif isinstance(found, dict):
        _align([[name, _text(value)] for name, value in found.items()])
    elif found:
        heading = [name.upper() for name in found[0]]
        _align([heading, *([_text(value) for value in row.values()] for row in found)], has_heading=True)
    else:
        print_note(nothing)


def print_note(message: str) -> None:
    """Prints a message for the person to stderr, so that a program that reads the output does not see it."""
    click.echo(message, err=True)


def progress_bar(length: int, label: str, show: Callable[[Any], str] | None = None) -> Any:
    """Returns a progress bar on stderr. It shows only at a terminal."""
    shown = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return click.progressbar(
        length=length, label=label, file=sys.stderr, hidden=not shown, item_show_func=show, show_pos=show is None
    )


def _align(rows: list[list[str]], *, has_heading: bool = False) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        click.secho(line, bold=True if has_heading and number == 0 else None)


def _text(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case dict():
            return " ".join(f"{name}={_text(part)}" for name, part in value.items()) or "-"
    return str(value)
