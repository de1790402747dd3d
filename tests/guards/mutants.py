"""Mutation tests of the measured groups: `python -m tests.guards.mutants [GROUP…]`.

mutmut changes one operator, constant, argument or condition of a function at a time, and runs the tests that reach the
function. A change that no test notices has survived. mutmut finds modules by their path below `src`, so each group
gets a tree of its own under `build/mutants`, with the package in `src` and all else beside it.

Left out by mutmut: what stands outside of functions, and functions under a decorator such as `cache`.
"""

from __future__ import annotations

import difflib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Container
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tests.guards.coverage import ROOT, percent
from tests.guards.groups import LEAST_KILLED, Group, chosen

BUILD = ROOT / "build" / "mutants"
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
#: The folders that tests read, beside the package itself.
FOLDERS = ("tests", "functions", "infra", "events", "docs")
#: How mutmut writes what became of a mutant: pytest's exit code, or the signal that ended the process.
KILLED, SURVIVED = {1, 3}, {0}
TIMED_OUT = {36, 24, -24, 152, 255}
NO_TESTS = {5, 33}


class Mutant(NamedTuple):
    """A function with one change, and what became of it: `killed`, `survived`, `no tests`, `not run` or an exit."""

    module: str
    function: str
    change: str
    end: str

    @property
    def key(self) -> tuple[str, str, str]:
        """The change itself. mutmut's own names are numbers, which move whenever a function is edited."""
        return self.module, self.function, self.change


def run(group: Group) -> list[Mutant]:
    """Runs mutmut on a group's modules and returns all their mutants.

    A further run tests those alone that were not killed, and those of functions that were edited. `make clean` forgets.
    """
    place = BUILD / group.name
    _lay_out(place, group)
    _forget_survivors(place, group)
    environment = os.environ | {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    children = os.environ.get("MUTANTS_AT_ONCE") or str(os.cpu_count() or 1)
    command = [Path(sys.executable).with_name("mutmut"), "run", "--max-children", children]
    log = place / "mutmut.log"
    print(f"Mutants of {group.name}: see {log.relative_to(ROOT)}", flush=True)
    with log.open("w") as output:
        ran = subprocess.run(command, cwd=place, env=environment, stdout=output, stderr=output, check=False)
    if ran.returncode:
        raise SystemExit(f"mutmut stopped: {log.read_text()[-2_000:]}")
    return [mutant for module in group.mutated for mutant in mutants_of(place, module)]


def _lay_out(place: Path, group: Group) -> None:
    place.mkdir(parents=True, exist_ok=True)
    package = find_spec("switchboard")
    assert package is not None
    assert package.origin is not None
    _copy(Path(package.origin).parent, place / "src" / "switchboard")
    for folder in FOLDERS:
        _copy(ROOT / folder, place / folder)
    only = ", ".join(f'"src/{module.replace(".", "/")}.py"' for module in group.mutated)
    selection = json.dumps([*group.tests, *(f"--deselect={test}" for test in group.slow)])
    settings = f"""
[tool.mutmut]
source_paths = ["src/switchboard"]
only_mutate = [{only}]
also_copy = {json.dumps(FOLDERS)}
pytest_add_cli_args_test_selection = {selection}
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "no:cov"]
timeout_multiplier = 3.0
timeout_constant = 10.0
on_dependency_change = "ignore"
use_git_change_detection = false

[tool.pytest.ini_options]
pythonpath = [".", "src"]
addopts = "-q --import-mode=importlib"
"""
    (place / "pyproject.toml").write_text(settings)


def _copy(source: Path, target: Path) -> None:
    """Copies a folder, with the times of its files, by which mutmut knows what has changed."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))


def _notes(place: Path, module: str) -> Path:
    return place / "mutants" / "src" / Path(*module.split(".")).with_suffix(".py.meta")


def _forget_survivors(place: Path, group: Group) -> None:
    """Has mutmut try survivors again, and find out again which tests reach what: tests may have been written."""
    (place / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    for path in (_notes(place, module) for module in group.mutated):
        if path.exists():
            notes = json.loads(path.read_text())
            ends = notes["exit_code_by_key"]
            notes["exit_code_by_key"] = {
                name: code if code in KILLED | TIMED_OUT else None for name, code in ends.items()
            }
            path.write_text(json.dumps(notes))


def mutants_of(place: Path, module: str) -> list[Mutant]:
    """Returns a module's mutants with what mutmut noted of them."""
    notes = _notes(place, module)
    lines = notes.with_suffix("").read_text().splitlines()
    spans = json.loads(notes.with_suffix(".spans").read_text())["spans"]

    def source(name: str) -> list[str]:
        first, last = spans[name]
        return [line.replace(name, "") for line in lines[first - 1 : last]]

    found = []
    for name, code in json.loads(notes.read_text())["exit_code_by_key"].items():
        mangled = name.rpartition(".")[2]
        function = mangled.partition("__mutmut_")[0]
        change = _change(source(f"{function}__mutmut_orig"), source(mangled))
        found.append(
            Mutant(module, function.removeprefix("x_").removeprefix("xǁ").replace("ǁ", "."), change, _end(code))
        )
    return found


def _change(before: list[str], after: list[str]) -> str:
    lines = [line for line in difflib.ndiff(before, after) if line.startswith(("- ", "+ "))]
    return "\n".join(line[:2] + line[2:].strip() for line in lines)


def _end(code: int | None) -> str:
    if code is None:
        return "not run"
    if code in KILLED | TIMED_OUT:
        return "killed"
    if code in SURVIVED:
        return "survived"
    return "no tests" if code in NO_TESTS else f"exit {code}"


def equivalents() -> dict[tuple[str, str, str], str]:
    """Returns the mutants that no test can notice, each with the reason."""
    listed = tomllib.loads(EQUIVALENT.read_text()).get("mutant", [])
    return {(one["module"], one["function"], one["change"].strip()): one["reason"] for one in listed}


def report(groups: list[tuple[Group, list[Mutant]]]) -> int:
    """Prints survivors and scores. Returns 1 where less than the least share of a group, or of all, is killed."""
    excused = equivalents()
    mutants = [mutant for _, found in groups for mutant in found]
    for mutant in mutants:
        if mutant.end != "killed" and mutant.key not in excused:
            print(f"\n{mutant.end}: {mutant.module}.{mutant.function}\n{mutant.change}")
    ends = {mutant.key: mutant.end for mutant in mutants}
    measured = {module for group, _ in groups for module in group.mutated}
    for key in excused:
        if key[0] in measured and ends.get(key, "gone") in ("gone", "killed"):
            print(f"\nTake this off {EQUIVALENT.name}, it is {ends.get(key, 'gone')}: {key[0]}.{key[1]}\n{key[2]}")
    print(f"\n{'all':>5} {'equivalent':>10} {'killed':>6} {'%':>6}  module")
    for group, found in groups:
        for module in group.mutated:
            _row(module, [mutant for mutant in found if mutant.module == module], excused)
        _row(group.name.upper(), found, excused)
    total = _row("ALL", mutants, excused)
    failed = [group.name for group, found in groups if _score(found, excused)[3] < LEAST_KILLED]
    if failed:
        print(f"Less than {LEAST_KILLED} % of the mutants of {', '.join(failed)} are killed. Write the missing tests.")
    return bool(failed) or total < LEAST_KILLED


def _score(mutants: list[Mutant], excused: Container[object]) -> tuple[int, int, int, float]:
    """All, the equivalent among them, the killed, and the share of the killed in the rest."""
    equivalent = sum(mutant.key in excused and mutant.end != "killed" for mutant in mutants)
    killed = sum(mutant.end == "killed" for mutant in mutants)
    return len(mutants), equivalent, killed, percent(killed, len(mutants) - equivalent)


def _row(name: str, mutants: list[Mutant], excused: Container[object]) -> float:
    *counts, share = _score(mutants, excused)
    print("{:5} {:10} {:6}".format(*counts), f"{share:6.1f}  {name}")
    return share


if __name__ == "__main__":
    sys.exit(report([(group, run(group)) for group in chosen(sys.argv[1:])]))
