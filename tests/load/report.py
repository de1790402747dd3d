"""The output of the measurements: each table as soon as it is ready, and a summary at the end, beside an earlier
commit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

#: The figures of an earlier commit, which the summary shows beside its own. `--save` writes such a file.
BASELINE = Path(__file__).with_name("baseline.json")


@dataclass(frozen=True)
class Figure:
    """One figure of the summary. `target` is shown as it is; without one the figure is for comparing only."""

    name: str
    value: float
    unit: str
    target: str = ""
    holds: bool | None = None


_figures: list[Figure] = []
_missed: list[str] = []


def table(title: str, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table: the first column to the left, figures to the right."""
    print(f"\n{title}\n")
    _print([[str(cell) for cell in row] for row in (headings, *rows)])


def _print(cells: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        first, *rest = [
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join([first, *rest]).rstrip(), flush=True)


def met(holds: bool) -> str:
    """The verdict in a table's last column."""
    return "met" if holds else "MISSED"


def require(name: str, *, holds: bool) -> str:
    """The same verdict for a limit that must hold on every machine. A missed one fails the run."""
    if not holds:
        _missed.append(name)
    return met(holds)


def missed() -> list[str]:
    """The names of the missed limits that must hold."""
    return list(_missed)


def at_least(name: str, value: float, unit: str, target: float) -> None:
    """A figure of the summary with a minimum."""
    _figures.append(Figure(name, value, unit, f"≥ {target:,g}", value >= target))


def at_most(name: str, value: float, unit: str, target: float) -> None:
    """A figure of the summary with a maximum."""
    _figures.append(Figure(name, value, unit, f"≤ {target:,g}", value <= target))


def without_target(name: str, value: float, unit: str) -> None:
    """A figure of the summary without a target."""
    _figures.append(Figure(name, value, unit))


def summary() -> None:
    """Print all figures, each with its target and its value at an earlier commit."""
    if not _figures:
        return
    commit, before = _baseline()
    rows = [
        (
            one.name,
            one.target,
            _shown(one.value),
            one.unit,
            "" if one.holds is None else met(one.holds),
            _shown(before[one.name]) if one.name in before else "",
        )
        for one in _figures
    ]
    table("Summary", ("figure", "target", "now", "", "verdict", f"at {commit}"), rows)
    missed = [one.name for one in _figures if one.holds is False]
    print(f"\n{len(missed)} of {sum(one.holds is not None for one in _figures)} targets are missed.")


def save(path: Path, commit: str) -> None:
    """Write the figures to a file, for a later summary."""
    found = {"commit": commit, "figures": [asdict(one) for one in _figures]}
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


def _baseline() -> tuple[str, dict[str, float]]:
    if not BASELINE.exists():
        return "no earlier commit", {}
    found = json.loads(BASELINE.read_text())
    return found["commit"], {one["name"]: one["value"] for one in found["figures"]}


def _shown(value: float) -> str:
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
