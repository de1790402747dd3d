"""The pages with commands: each command runs against the local stack and prints the page's output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import engine
from tests import pages
from tests.conftest import ROOT, Stack, stack_in


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack for this test alone: the pages write to its demo organization."""
    with stack_in(tmp_path_factory.mktemp("tour")) as started:
        yield started


@pytest.fixture
def environ() -> dict[str, str]:
    """The environment of a new terminal, with ports that are free on this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SWITCHBOARD_"))}
    return kept | {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "HOOK_PORT": str(engine.free_port()),
        "BACKEND_PORT": str(engine.free_port()),
    }


@pytest.fixture
def project(stack: Stack, tmp_path: Path) -> Path:
    """A folder like the project's folder while `make run` serves."""
    (tmp_path / ".local").symlink_to(stack.home)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


@pytest.mark.parametrize("page", ["README.md", "docs/tour.md"])
def test_every_command_of_a_page_prints_the_pages_output(page: str, project: Path, environ: dict[str, str]) -> None:
    assert pages.run(ROOT / page, project, environ) > 0
