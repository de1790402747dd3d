"""The pages of the repository: checks that a machine can do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra import guides, openapi

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
#: A signpost fits on two screens.
README_MAX_BYTES = 6 * 1024
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page, and those that the page sets."""
    text = page.read_text()
    headings = re.findall(r"^#+ (.+?)\s*$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text))


def test_the_readme_is_a_signpost() -> None:
    size = len(README.read_bytes())
    assert size <= README_MAX_BYTES, f"README.md has {size} bytes: move sections that are longer than a screen to docs/"


def test_the_readme_counts_the_operations_of_each_api() -> None:
    readme = README.read_text()
    assert readme == openapi.readme_with_counts(readme), "run: make openapi, and name what is new in the README's table"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_exists(page: Path) -> None:
    dead = []
    for link in _LINK.findall(_CODE.sub("", page.read_text())):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        # An address of the portal. The tests of the portal follow it.
        if page.parent == guides.FOLDER and link.startswith("/"):
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
