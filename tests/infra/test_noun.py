"""The skeleton of a noun stays true: its own tests and the rules of the house pass in a copy of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.noun import edits
from infra.noun.names import NounError, NounNames
from infra.noun.skeleton import Skeleton

ROOT = Path(__file__).resolve().parents[2]
#: The parts of the repository that the generated noun and its tests need.
PARTS = ("events", "functions", "infra", "layers", "tests", "docs")
#: The rules that a new noun could break.
RULES = (
    "tests/unit/test_layering.py",
    "tests/unit/test_mirror.py",
    "tests/unit/test_names.py",
    "tests/unit/events/test_registry.py",
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the repository's sources."""
    for part in PARTS:
        ignored = shutil.ignore_patterns("__pycache__", "oracle" if part == "docs" else ".*")
        shutil.copytree(ROOT / part, tmp_path / part, ignore=ignored)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run(copy: Path, *command: str) -> None:
    """Run a Python module in the copy. Raises AssertionError with its output if it fails."""
    environ = os.environ | {
        "PYTHONPATH": f"{copy / 'layers'}:{copy}",
        "PYTHONDONTWRITEBYTECODE": "1",
        # Another run of pytest on this machine would delete old folders of the common root at the same time.
        "PYTEST_DEBUG_TEMPROOT": str(copy.parent),
    }
    arguments = [sys.executable, "-m", *command]
    done = subprocess.run(arguments, cwd=copy, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def snapshot(copy: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in copy.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def test_a_new_noun_with_a_worker_passes_its_tests_and_the_rules(copy: Path) -> None:
    run(copy, "infra.noun", "surveys", "--worker")
    run(copy, "ruff", "check", "--quiet", "layers", "functions", "infra", "tests")
    run(copy, "ruff", "format", "--quiet", "--check", "layers", "functions", "infra", "tests")
    run(copy, "tests.language", *(str(path) for path in copy.rglob("*survey*/*.py")))
    noun = "survey or circle or unique or spelling or registered or starts"
    faults = "tests/integration/test_survey_faults.py"
    run(copy, "pytest", "-p", "no:cacheprovider", "-k", noun, "tests/unit/surveys", faults, *RULES)


def test_a_new_noun_without_a_worker_passes_its_tests(copy: Path) -> None:
    Skeleton(copy, NounNames.of("sms_opt_ins", prefix="opt"), worker=False).write()
    run(copy, "pytest", "-p", "no:cacheprovider", "tests/unit/sms_opt_ins")


def test_a_noun_that_exists_is_refused_and_nothing_is_written(copy: Path) -> None:
    names = NounNames.of("contacts")
    before = snapshot(copy)
    with pytest.raises(NounError, match="exists: choose another NAME"):
        Skeleton(copy, names, worker=True).write()
    with pytest.raises(NounError, match="con_: give PREFIX"):
        Skeleton(copy, NounNames.of("contests"), worker=False).write()
    assert snapshot(copy) == before


@pytest.mark.parametrize(
    ("things", "thing", "prefix"),
    [("surveys", "survey", "sur"), ("companies", "company", "com"), ("sms_drafts", "sms_draft", "sms")],
)
def test_the_names_derive_from_the_plural(things: str, thing: str, prefix: str) -> None:
    assert NounNames.of(things) == NounNames(things, thing, prefix)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [(("Surveys",), "lower-case"), (("media",), "SINGULAR"), (("surveys", "", "v_"), "PREFIX")],
)
def test_a_bad_name_is_refused(arguments: tuple[str, ...], problem: str) -> None:
    with pytest.raises(NounError, match=problem):
        NounNames.of(*arguments)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("A = (1,)", "A = (1,\n2,\n)"),
        ("A: T = {3: 4}", "A: T = {3: 4,\n2,\n}"),
        ("A = frozenset({1})", "A = frozenset({1,\n2,\n})"),
        ("A = B | {'é'}", "A = B | {'é',\n2,\n}"),
        ("A = [\n]", "A = [\n2,\n]"),
    ],
)
def test_an_item_is_appended_to_what_a_name_holds(source: str, expected: str) -> None:
    assert edits.append_item(source, "A", "2") == expected


def test_a_missing_place_is_named() -> None:
    with pytest.raises(edits.EditError, match="no A"):
        edits.append_item("B = ()", "A", "2")
    with pytest.raises(edits.EditError, match="no class A"):
        edits.append_members("B = ()", "A", "    C = 1")
    with pytest.raises(edits.EditError, match="no item x"):
        edits.insert_item_before("A = ()", "A", "x", "2")
