"""The pages with commands: each command runs against the local stack and prints the page's output."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import engine
from tests import pages
from tests.conftest import ROOT
from tests.pages import Block, Shell
from tests.running import Running
from tests.settings import THOROUGH

TOUR, CALLS, TEXTS = "docs/tour.md", "docs/tour-calls.md", "docs/tour-texts.md"
#: The commands that a new terminal needs: the first part of each page, and of the tour the block that reads the keys.
_KEYS = "AGENT="
_SIGN_UP = "Sign up an agent"


class _TourStack(Running):
    """A stack with short calls and roleplays, as `tests.conftest.stack_in` starts them."""

    def environ(self, **changes: str) -> dict[str, str]:
        return super().environ(SWITCHBOARD_ROLEPLAY_STEP_SECONDS="0", SWITCHBOARD_VOICE_STEP_SECONDS="1", **changes)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A stack for this test alone: the pages write to its demo organization, and a test kills it."""
    stack = _TourStack(tmp_path_factory.mktemp("tour") / "home")
    stack.start()
    yield stack
    stack.end(signal.SIGTERM)


@pytest.fixture
def environ(stack: Running) -> dict[str, str]:
    """The environment of a new terminal, with ports that are free on this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SWITCHBOARD_"))}
    return kept | {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "HOOK_PORT": str(engine.free_port()),
        "BACKEND_PORT": str(engine.free_port()),
    }


@pytest.fixture
def project(stack: Running, tmp_path: Path) -> Iterator[Path]:
    """A folder like the project's folder while `make run` serves. A page may leave nothing in it."""
    (tmp_path / ".local").symlink_to(stack.home)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    yield tmp_path
    left = {path.name for path in tmp_path.iterdir()} - {".local", ".venv", ".page.sh", ".page.out"}
    assert not left, "files of a page belong in .local/tour"


@pytest.mark.parametrize("page", ["README.md", TOUR])
def test_every_command_of_a_page_prints_the_pages_output(page: str, project: Path, environ: dict[str, str]) -> None:
    assert pages.run(ROOT / page, project, environ) > 0


def test_the_page_of_calls_can_be_repeated_in_the_same_terminal(project: Path, environ: dict[str, str]) -> None:
    found = list(pages.blocks((ROOT / CALLS).read_text()))
    with Shell(project, environ) as shell:
        counts = [pages.run_blocks(shell, CALLS, found) for _ in range(2 if THOROUGH else 1)]
    assert min(counts) == max(counts) > 0


def test_each_part_of_the_texts_page_works_in_a_new_terminal(project: Path, environ: dict[str, str]) -> None:
    first, *rest = pages.parts((ROOT / TEXTS).read_text()).values()
    for part in rest:
        with Shell(project, environ) as shell:
            assert pages.run_blocks(shell, TEXTS, [*first, *part]) > 0


@pytest.mark.thorough
def test_the_tour_goes_on_after_the_terminal_and_the_stack_were_killed(
    stack: Running, project: Path, environ: dict[str, str]
) -> None:
    first, sign_up, *rest = pages.parts((ROOT / TOUR).read_text()).items()
    assert sign_up[0] == _SIGN_UP
    with Shell(project, environ) as shell:
        pages.run_blocks(shell, TOUR, [*first[1], *sign_up[1]])
        # The terminal ends in the middle of a part: a background job runs, and a command waits.
        call = next(blocks for title, blocks in rest if title == "Place a call")
        pages.run_blocks(shell, TOUR, call[:1])
    stack.end(signal.SIGKILL)
    stack.start()
    for _, blocks in rest:
        with Shell(project, environ) as shell:
            assert pages.run_blocks(shell, TOUR, [*first[1], _keys(sign_up[1]), *blocks]) > 0


def _keys(found: list[Block]) -> Block:
    return next(block for block in found if block.text.startswith(_KEYS))


@pytest.mark.thorough
@pytest.mark.skipif(shutil.which("zsh") is None, reason="this machine has no zsh")
@pytest.mark.parametrize("page", [TOUR, CALLS, TEXTS])
def test_the_pages_work_in_zsh(page: str, project: Path, environ: dict[str, str]) -> None:
    with Shell(project, environ, program="zsh") as shell:
        assert pages.run_blocks(shell, page, list(pages.blocks((ROOT / page).read_text()))) > 0
