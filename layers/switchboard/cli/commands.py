"""Shared parts of all commands: options, argument types, the acting operator, and output."""

from __future__ import annotations

import argparse
import getpass
import json
import re
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from switchboard.events.models import Actor, SystemActor
from switchboard.kit import clock, ids

if TYPE_CHECKING:
    Nouns = argparse._SubParsersAction[argparse.ArgumentParser]

Run = Callable[[argparse.Namespace], int | None]
_Word = TypeVar("_Word", bound=StrEnum)
Offline = Callable[[argparse.Namespace], bool]


def common_options() -> argparse.ArgumentParser:
    """The options that may stand before or after any command."""
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    options.add_argument("--json", action="store_true", help="print JSON")
    options.add_argument("--local", metavar="HOME", help="use the stack on this machine; HOME is .local by default")
    options.add_argument("--stage", metavar="NAME", help="use this deployment of the current AWS account and region")
    return options


class CommandGroup:
    """The commands about one kind of thing."""

    def __init__(self, nouns: Nouns, name: str, summary: str) -> None:
        self._verbs = nouns.add_parser(name, help=summary, description=summary).add_subparsers(
            metavar="COMMAND", required=True
        )

    def add_command(
        self, name: str, run: Run, summary: str, *, offline: Offline | None = None
    ) -> argparse.ArgumentParser:
        """Adds a command. `offline` decides from the arguments whether the command works without a deployment."""
        parser = self._verbs.add_parser(name, help=summary, description=summary, parents=[common_options()])
        parser.set_defaults(run=run, offline=offline, usage_error=parser.error)
        return parser


def operator_origin(org_id: str) -> SystemActor:
    """The person at the terminal, as the origin of changes."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = "cli"
    return SystemActor(
        org_id=org_id, actor=Actor(type="operator", id=user), agent_id=None, correlation_id=ids.new_id("corr")
    )


def print_rows(args: argparse.Namespace, found: dict[str, Any] | Sequence[dict[str, Any]]) -> None:
    """Prints one row or a list of rows, as aligned text or as JSON."""
    if getattr(args, "json", False):
        print(json.dumps(found, ensure_ascii=False))
    elif isinstance(found, dict):
        _align([[name, _text(value)] for name, value in found.items()])
    elif found:
        _align([[name.upper() for name in found[0]], *([_text(value) for value in row.values()] for row in found)])


def print_note(message: str) -> None:
    """Prints a message for the person to stderr, so that a program that reads the output does not see it."""
    print(message, file=sys.stderr)


def _align(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _text(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case dict():
            return " ".join(f"{name}={_text(part)}" for name, part in value.items()) or "-"
    return str(value)


def time_argument(text: str) -> str:
    """An argument type: a time, returned in its stored form."""
    try:
        return clock.format_iso(clock.parse(text))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time with a time zone: write it like 2026-01-31T12:00:00Z"
        ) from None


def month_argument(text: str) -> str:
    """An argument type: a month."""
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a month: write it like 2026-01")
    return text


def consent_argument(text: str) -> tuple[str, str]:
    """An argument type: the source and the day of a consent."""
    source, at, day = text.rpartition("@")
    if not (at and source and re.fullmatch(r"\d{4}-\d{2}-\d{2}", day)):
        raise argparse.ArgumentTypeError(f"{text!r} is not SOURCE@DATE: write it like business-relationship@2026-01-31")
    return source, day


def slug_argument(text: str) -> str:
    """An argument type: a name that becomes a part of an address."""
    if not re.fullmatch(r"(?!-)[a-z0-9-]{1,63}(?<!-)", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a valid name: use a-z, 0-9 and inner hyphens, 63 characters at most"
        )
    return text


def enum_argument(kind: type[_Word]) -> Callable[[str], _Word]:
    """Returns an argument type: one of the values of an enum."""

    def read(text: str) -> _Word:
        try:
            return kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(kind)}") from None

    return read


def positive_argument(text: str) -> int:
    """An argument type: an integer of 1 or more."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of 1 or more")
    return int(text)
