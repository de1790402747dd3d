"""The commands in `docs/operating.md` and other pages are commands of `switchboard` and `make`."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from switchboard import cli

ROOT = Path(__file__).resolve().parents[3]
_TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def find_commands(program: str) -> list[str]:
    """Returns the commands of a program in all pages, each with its page."""
    found = []
    for page in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
        for line in page.read_text().splitlines():
            if command := re.match(rf"(?:    |\$ )(?:\.venv/bin/)?({program} .*)", line):
                found.append(f"{page.relative_to(ROOT)}: {command[1]}")
    return found


def test_pages_show_commands() -> None:
    assert len(find_commands("switchboard")) > 20
    assert len(find_commands("make")) > 5


@pytest.mark.parametrize("command", find_commands("switchboard"))
def test_the_command_line_accepts_every_command_of_a_page(command: str) -> None:
    words = shlex.split(command.partition(": ")[2], comments=True)[1:]
    try:
        parse_command(words)
    except click.ClickException as error:
        pytest.fail(f"{command}\n{error.format_message()}")


def parse_command(words: list[str]) -> None:
    """Parses a command without running it. Raises ClickException."""
    found: click.Command = cli.program
    context, rest = None, cli.expand_local_option(words)
    while True:
        context = found.make_context(found.name, rest, parent=context)
        if not isinstance(found, click.Group):
            return
        _, found, rest = found.resolve_command(context, [*context._protected_args, *context.args])


@pytest.mark.parametrize("command", find_commands("make"))
def test_make_has_every_target_of_a_page(command: str) -> None:
    words = shlex.split(command.partition(": ")[2], comments=True)[1:]
    targets = {word for word in words if "=" not in word and not word.startswith("-")}
    assert targets <= _TARGETS, f"{command}: the Makefile has no target {targets - _TARGETS}"
