"""Runs the commands of a page in `docs/` and compares their output with the page.

The commands of all `sh` blocks run in order in one session of a shell. A `text` or `json` block below an `sh` block
shows what the commands print:

- `text`: the lines of the output. `…` stands for any text in a line, and alone in a line for any number of lines.
- `json`: one JSON value. An object may leave out fields. `…` stands for any text in a string, and as the last item of a
  list for any further items.

A block that prints something must be followed by a block that shows it. Other blocks (`console`) are not run.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

ANY = "…"
_FENCE = re.compile(r"^```(\w*)\s*$")


class PageError(AssertionError):
    """A page contains a statement that is not true. The message names the line."""


@dataclass(frozen=True)
class Block:
    """A fenced block. `line` is the number of its first line."""

    kind: str
    line: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True)
class Command:
    """A command of a page, which may have several lines."""

    line: int
    text: str


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    kind: str | None = None
    start = 0
    held: list[str] = []
    for number, line in enumerate(page.splitlines(), 1):
        fence = _FENCE.match(line)
        if kind is None and fence:
            kind, start, held = fence[1], number + 1, []
        elif kind is not None and fence:
            yield Block(kind, start, tuple(held))
            kind = None
        elif kind is not None:
            held.append(line)
    if kind is not None:
        raise PageError(f"line {start - 1}: the block is not closed")


def parts(page: str) -> dict[str, list[Block]]:
    """The fenced blocks of a page by the heading above them (`## …`), in order. A subheading belongs to its part."""
    found: dict[str, list[Block]] = {"": []}
    heads = [(number, line[3:]) for number, line in enumerate(page.splitlines(), 1) if line.startswith("## ")]
    for block in blocks(page):
        title = next((title for number, title in reversed(heads) if number < block.line), "")
        found.setdefault(title, []).append(block)
    return {title: held for title, held in found.items() if held}


def commands(block: Block) -> Iterator[Command]:
    """The commands of a block. A command ends where bash accepts its lines as complete."""
    held: list[str] = []
    for number, line in enumerate(block.lines, block.line):
        held.append(line)
        text = "\n".join(held)
        if not line.endswith("\\") and _is_complete(text):
            if text.strip():
                yield Command(number - len(held) + 1, text)
            held = []
    if held:
        raise PageError(f"line {block.line + len(block.lines) - len(held)}: the command is not complete")


def _is_complete(text: str) -> bool:
    return subprocess.run(["bash", "-n", "-c", text], capture_output=True, check=False).returncode == 0


#: How each shell starts without the files of its user.
SHELLS = {"bash": ("bash", "--norc", "--noprofile"), "zsh": ("zsh", "-f", "-s")}


class Shell:
    """A session of a shell in a folder. Background jobs of a page end with it."""

    def __init__(
        self, folder: Path, environ: Mapping[str, str], limit_seconds: float = 100, program: str = "bash"
    ) -> None:
        self._limit = limit_seconds
        self._script, self._output = folder / ".page.sh", folder / ".page.out"
        self._process = subprocess.Popen(
            SHELLS[program],
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
            start_new_session=True,
        )
        self._write("set -u")

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # The session is its own process group, which includes its background jobs.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()

    def run(self, command: Command) -> str:
        """Returns the output of a command. Raises PageError if the command fails or takes too long."""
        self._script.write_text(command.text + "\n")
        self._output.write_text("")
        self._write(f". {self._script} >{self._output} 2>&1 </dev/null; echo done $?")
        said = self._answer()
        if said != "done 0":
            printed = self._output.read_text() + said
            raise PageError(f"line {command.line}: the command fails: {command.text}\n{printed[-2_000:]}")
        return self._output.read_text()

    def _write(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")

    def _answer(self) -> str:
        assert self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], self._limit)
        if not ready:
            return f"it did not end within {self._limit:.0f} s"
        # An empty line means that the shell itself ended, for example because a variable is not set.
        return self._process.stdout.readline().strip() or "the session ended"


def run(path: Path, folder: Path, environ: Mapping[str, str], limit_seconds: float = 100) -> int:
    """Runs a page in a folder in a bash session of its own, and returns the number of its commands.

    Raises PageError at the first command that fails, and at the first output that the page does not show.
    """
    with Shell(folder, environ, limit_seconds) as shell:
        return run_blocks(shell, path.name, list(blocks(path.read_text())))


def run_blocks(shell: Shell, name: str, found: Sequence[Block]) -> int:
    """Runs blocks of the page `name` in a session, and returns the number of their commands."""
    count = 0
    for index, block in enumerate(found):
        if block.kind != "sh":
            continue
        ran = list(commands(block))
        output = "".join(shell.run(command) for command in ran)
        count += len(ran)
        following = found[index + 1] if index + 1 < len(found) else None
        shown = following if following and following.kind in ("text", "json") else None
        if shown is None and output.strip():
            raise PageError(f"{name}, line {block.line}: the page does not show this output:\n{output}")
        if shown is not None:
            _compare(name, shown, output)
    return count


def _compare(name: str, shown: Block, output: str) -> None:
    where = f"{name}, line {shown.line}"
    if shown.kind == "text":
        if not _shows(shown.lines, output):
            raise PageError(f"{where}: the page shows\n{shown.text}\nbut the command prints\n{output}")
        return
    try:
        real = json.loads(output)
    except ValueError:
        raise PageError(f"{where}: the command prints no JSON:\n{output}") from None
    if difference := differs(json.loads(shown.text), real):
        raise PageError(f"{where}: {difference}\nThe command prints\n{output}")


def _shows(lines: tuple[str, ...], output: str) -> bool:
    parts = [r"(?:.*\n)*" if line.strip() == ANY else _any_text(line.rstrip()) + r"\n" for line in lines]
    printed = "".join(line.rstrip() + "\n" for line in output.rstrip().splitlines())
    return re.fullmatch("".join(parts), printed) is not None


def _any_text(text: str) -> str:
    return ".*".join(re.escape(part) for part in text.split(ANY))


def differs(shown: Any, real: Any, at: str = "answer") -> str | None:
    """Returns the first place where a JSON value is not as the page shows it, or `None`."""
    match shown, real:
        case dict(), dict():
            for name, value in shown.items():
                if name not in real:
                    return f"{at} has no field {name!r}"
                if found := differs(value, real[name], f"{at}.{name}"):
                    return found
            return None
        case list(), list():
            whole = not (shown and shown[-1] == ANY)
            items = shown if whole else shown[:-1]
            if len(real) < len(items) or (whole and len(real) != len(items)):
                return f"{at} has {len(real)} items and not {len(items)}"
            pairs = enumerate(zip(items, real, strict=False))
            return next((found for n, (one, two) in pairs if (found := differs(one, two, f"{at}[{n}]"))), None)
        case str(), str():
            is_same = re.fullmatch(_any_text(shown), real, re.DOTALL) is not None
        case _:
            is_same = type(shown) is type(real) and shown == real
    return None if is_same else f"{at} is {real!r} and not {shown!r}"
