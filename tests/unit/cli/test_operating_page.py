"""The commands in `docs/operating.md` and other pages are commands of `switchboard` and `make`."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from switchboard import cli
from switchboard.cli import deployments

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
def test_the_command_line_accepts_every_command_of_a_page(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(command.partition(": ")[2], comments=True)[1:]
    try:
        cli._parser().parse_args(deployments.expand_local_option(words))
    except SystemExit:
        pytest.fail(f"{command}\n{capsys.readouterr().err}")


@pytest.mark.parametrize("command", find_commands("make"))
def test_make_has_every_target_of_a_page(command: str) -> None:
    words = shlex.split(command.partition(": ")[2], comments=True)[1:]
    targets = {word for word in words if "=" not in word and not word.startswith("-")}
    assert targets <= _TARGETS, f"{command}: the Makefile has no target {targets - _TARGETS}"
