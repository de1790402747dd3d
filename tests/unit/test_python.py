"""The oldest supported Python is the same in every file."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_oldest_python_has_a_patch_level_and_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = re.fullmatch(r">=(3\.\d+\.\d+)", project["project"]["requires-python"])
    assert wanted, "pyproject.toml: requires-python gives a patch level, such as >=3.11.4"
    oldest = wanted[1]
    for page, text in (
        ("Makefile", f"Python {oldest} or newer"),
        ("Makefile", f"sys.version_info >= ({oldest.replace('.', ', ')})"),
        ("README.md", f"Python {oldest} or newer"),
        ("CONTRIBUTING.md", f"Python {oldest} or newer"),
    ):
        assert text in (ROOT / page).read_text(encoding="utf-8"), f"{page}: write `{text}`, as pyproject.toml requires"
    assert sys.version_info >= tuple(map(int, oldest.split("."))), f"run the tests with Python {oldest} or newer"
