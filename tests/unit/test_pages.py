"""The runner of pages finds wrong statements in a page, and names the line."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests import pages
from tests.pages import PageError

TRUE = """
Greet:

```sh
NAME=Ada
greet() { printf '{"hello":"%s","list":[1,2],"id":"x-17"}\\n' "$1"; }
greet \\
  $NAME
```

```json
{"hello": "Ada", "list": [1, "…"], "id": "x-…"}
```

Not run:

```console
$ exit 1
```

```sh
until [ -e later ]; do touch later; done
printf 'one\\ntwo\\nthree\\n'
```

```text
one
…
th…
```
"""


def run_page(page: str, folder: Path, limit_seconds: float = 20) -> int:
    path = folder / "page.md"
    path.write_text(page)
    return pages.run(path, folder, {"PATH": os.environ["PATH"]}, limit_seconds)


def test_a_correct_page_runs_to_its_end(tmp_path: Path) -> None:
    assert run_page(TRUE, tmp_path) == 5


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('"hello": "Ada"', '"hello": "Bob"', r"line 12: answer.hello is 'Ada' and not 'Bob'"),
        ('"hello": ', '"hallo": ', r"line 12: answer has no field 'hallo'"),
        ('[1, "…"]', "[1]", r"line 12: answer.list has 2 items and not 1"),
        ('[1, "…"]', '[2, "…"]', r"line 12: answer.list\[0\] is 1 and not 2"),
        ('[1, "…"]', '["1", "…"]', r"line 12: answer.list\[0\] is 1 and not '1'"),
        ('"x-…"', '"y-…"', r"line 12: answer.id is 'x-17' and not 'y-…'"),
        ("th…", "…\nfour", r"line 27: the page shows"),
        ("…\nth", "th", r"line 27: the page shows"),
        ("NAME=Ada", "false", r"line 5: the command fails: false"),
        ("NAME=Ada", "NAMES=Ada", r"line 7: the command fails: greet \\\n  \$NAME"),
        ("NAME=Ada", "cd nowhere", r"line 5: the command fails: cd nowhere"),
        ("touch later", "sleep 0.1", r"line 22: the command fails: until .*\nit did not end within 2 s"),
        ("```text", "```console", r"line 22: the page does not show this output:\none"),
        ("done\nprintf", "printf", r"line 22: the command is not complete"),
    ],
)
def test_a_wrong_page_fails_at_its_line(right: str, wrong: str, said: str, tmp_path: Path) -> None:
    assert right in TRUE
    with pytest.raises(PageError, match=said):
        run_page(TRUE.replace(right, wrong, 1), tmp_path, limit_seconds=2)


def test_a_block_without_an_end_is_found(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="line 2: the block is not closed"):
        run_page("\n```sh\ntrue\n", tmp_path)


def test_background_processes_of_a_page_end_with_it(tmp_path: Path) -> None:
    run_page("```sh\nsleep 60 &\necho $! > pid\n```\n", tmp_path)
    stat = Path("/proc", (tmp_path / "pid").read_text().strip(), "stat")

    def has_ended() -> bool:
        # The system may not have collected an ended process yet.
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"

    # A killed process takes a moment to end.
    deadline = time.monotonic() + 10
    while not has_ended():
        assert time.monotonic() < deadline
        time.sleep(0.01)
