"""Runs Schemathesis over one document."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.conftest import ROOT

_HERE = Path(__file__).parent
PHASES = ("examples", "coverage", "fuzzing", "stateful")
#: The first section of a report that names faults. A run that could not start has none.
_FAULTS = re.compile(r"=+ (ERRORS|FAILURES) =+")


@dataclass(frozen=True)
class Outcome:
    """The result of a run."""

    api: str
    #: The number of responses by operation and status.
    answers: dict[str, dict[str, int]]
    #: The number of responses by phase.
    phases: dict[str, int]
    #: The faults, each with a curl line; empty if there are none.
    faults: str

    @cached_property
    def statuses(self) -> Counter[int]:
        """The number of responses by status."""
        found: Counter[int] = Counter()
        for statuses in self.answers.values():
            found.update({int(status): number for status, number in statuses.items()})
        return found

    @property
    def cases(self) -> int:
        """The number of responses."""
        return self.statuses.total()


def fuzz(
    api: str,
    url: str,
    home: Path,
    folder: Path,
    *,
    seed: int,
    examples: int,
    phases: tuple[str, ...] = PHASES,
    paths: str = "",
    shrink: bool = True,
) -> Outcome:
    """Run phases over an API's document: `examples` cases for each operation, and as many as coverage needs.

    With `paths`, only over the operations whose path has a match of this regular expression.
    The stack runs at `url` with its data in `home`. `folder` receives the whole report.
    """
    answers, report = folder / f"{api}-answers.json", folder / f"{api}-report.txt"
    answers.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", _HERE / "settings.toml"),
        *("run", f"{url}/openapi/{api}.json", "--no-color", "--phases", ",".join(phases)),
        *("--seed", str(seed), "--max-examples", str(examples), *(() if shrink else ("--no-shrink",))),
        *(("--include-path-regex", paths) if paths else ()),
    ]
    told = {"API": api, "URL": url, "HOME": home, "SEED": seed, "ANSWERS": answers}
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SWITCHBOARD_"))},
        **{f"FUZZED_{name}": str(value) for name, value in told.items()},
        "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks",
        # Schemathesis keeps its cases in the current folder, so that it does not run in this one.
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "layers"))),
        # The services that prepare objects log each skipped event.
        "POWERTOOLS_LOG_LEVEL": "ERROR",
        # The report of a run that is stopped has all that was found.
        "PYTHONUNBUFFERED": "1",
    }
    with report.open("wb") as output:
        ended = subprocess.run(command, cwd=folder, env=environ, stdout=output, stderr=subprocess.STDOUT, check=False)
    found = json.loads(answers.read_text()) if answers.exists() else {"answers": {}, "phases": {}}
    faults = _faults(report.read_text()) if ended.returncode else ""
    return Outcome(api, found["answers"], found["phases"], faults)


def _faults(report: str) -> str:
    """The part of a report from the first fault on."""
    found = _FAULTS.search(report)
    return report[found.start() if found else 0 :]
