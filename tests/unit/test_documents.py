"""The pages of the repository: checks that a machine can do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from infra import openapi

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
#: A signpost fits on two screens.
README_MAX_BYTES = 6 * 1024
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_ORACLE = ROOT / "tests" / "contract" / "oracle"
_METHODS = {"get", "post", "put", "patch", "delete"}
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def operations(document: Path) -> set[str]:
    paths = json.loads(document.read_text())["paths"]
    return {raw["operationId"] for path in paths.values() for method, raw in path.items() if method in _METHODS}


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page, and those that the page sets."""
    text = page.read_text()
    headings = re.findall(r"^#+ (.+?)\s*$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text))


def test_the_readme_is_a_signpost() -> None:
    size = len(README.read_bytes())
    assert size <= README_MAX_BYTES, f"README.md has {size} bytes: move sections that are longer than a screen to docs/"


@pytest.mark.parametrize("name", openapi.DESCRIPTIONS)
def test_the_readme_counts_the_operations_of_each_api(name: str) -> None:
    contract, ours = operations(_ORACLE / f"{name}.json"), operations(openapi.FOLDER / f"{name}.json")
    title = {"anima": "Anima", "opticomm": "OptiComm", "athos": "Athos", "hum": "HUM"}[name]
    row = re.search(rf"^\| {title} \|[^|]*\| (\d+) of (\d+)[^|]*\| (\d+) \|$", README.read_text(), re.MULTILINE)
    assert row, f"README.md: the table of what works today has no row for {title}"
    counted = (len(ours & contract), len(contract), len(ours - contract))
    assert tuple(map(int, row.groups())) == counted, (
        f"README.md: {title} has %d of %d operations, and %d more" % counted
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_exists(page: Path) -> None:
    dead = []
    for link in _LINK.findall(_CODE.sub("", page.read_text())):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            dead.append(link)
    assert not dead, f"{page.relative_to(ROOT)} links to places that do not exist: {dead}"


def test_every_decision_is_in_the_index_once() -> None:
    folder = ROOT / "docs" / "decisions"
    decisions = sorted(path.name for path in folder.glob("[0-9]*.md"))
    listed = re.findall(r"\]\((\d{4}-[^)]+\.md)\)", (folder / "README.md").read_text())
    assert listed == decisions, "docs/decisions/README.md lists each decision once, in the order of their numbers"
