"""Branch coverage of the measured groups: `python -m tests.guards.coverage [GROUP…]`.

Each group is measured by its own tests alone, in a process of its own. Branches that other tests
happen to take are not held by them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tests.guards.groups import LEAST_BRANCHES, Group, chosen

ROOT = Path(__file__).resolve().parents[2]


class Row(NamedTuple):
    """How many branches of a module there are, and how many were taken."""

    module: str
    branches: int
    taken: int
    missing: str


def module_files(name: str) -> list[Path]:
    """Returns the files of a module, or of all modules in a package."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{name} is not a module: correct tests/guards/groups.py")
    path = Path(spec.origin).resolve()
    return sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]


def measure(group: Group) -> list[Row]:
    """Runs the tests of a group and returns a row for each of its modules. Exits when a test fails."""
    files = [path for name in group.covered for path in module_files(name)]
    with tempfile.TemporaryDirectory() as folder:
        rules, report = Path(folder, "rules"), Path(folder, "report.json")
        # Only the group's files are traced: tracing everything takes several times as long.
        rules.write_text(
            "[run]\nbranch = true\ninclude =\n"
            + "".join(f"    {path}\n" for path in files)
            + f"data_file = {Path(folder, 'data')}\n"
        )
        options = ["--cov", f"--cov-config={rules}", f"--cov-report=json:{report}", "-p", "no:cacheprovider"]
        ran = subprocess.run([sys.executable, "-m", "pytest", *options, *group.tests], cwd=ROOT, check=False)
        if ran.returncode:
            raise SystemExit(f"The tests of {group.name} fail: coverage says nothing before they pass.")
        measured = json.loads(report.read_text())["files"]
    found = {Path(ROOT, name).resolve(): facts for name, facts in measured.items()}
    return [_row(path, found.get(path)) for path in files]


def _row(path: Path, facts: dict[str, object] | None) -> Row:
    name = ".".join(path.relative_to(_package_root(path)).with_suffix("").parts).removesuffix(".__init__")
    if facts is None:  # it was never imported
        return Row(name, 1, 0, "never imported")
    summary = facts["summary"]
    missing = facts["missing_branches"]
    assert isinstance(summary, dict)
    assert isinstance(missing, list)
    shown = ", ".join(f"{source}→{target if target > 0 else 'exit'}" for source, target in missing)
    return Row(name, summary["num_branches"], summary["covered_branches"], shown)


def _package_root(path: Path) -> Path:
    """The folder that the outermost package of a file is in."""
    folder = path.parent
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder


def percent(part: int, whole: int) -> float:
    """Returns a share in percent: of nothing, all is there."""
    return 100 * part / whole if whole else 100.0


def main(names: list[str]) -> int:
    """Prints a table, and returns 1 where a group has less than the least share."""
    groups = [(group, measure(group)) for group in chosen(names)]
    failed = []
    print(f"\n{'branches':>8} {'taken':>6} {'%':>6}  module")
    for group, rows in groups:
        for row in rows:
            if row.branches:
                share = percent(row.taken, row.branches)
                print(f"{row.branches:8} {row.taken:6} {share:6.1f}  {row.module}  {row.missing}".rstrip())
        branches, taken = sum(row.branches for row in rows), sum(row.taken for row in rows)
        share = percent(taken, branches)
        print(f"{branches:8} {taken:6} {share:6.1f}  {group.name.upper()}\n")
        if share < LEAST_BRANCHES:
            failed.append(f"{group.name} {share:.1f} %")
    if failed:
        print(f"Less than {LEAST_BRANCHES} % of branches: {', '.join(failed)}. Write the missing tests.")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
