"""Code, tests and documents cite only files and headings that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.citations import Tree, anchors_of, find_everywhere, list_findings

_PAGE = """# Calls

## States
## Calls of a `day`, and [more](x.md)
## States

```
# Not a heading
```
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A small repository."""
    for path, text in {
        "README.md": "# House\n",
        "docs/calls.md": _PAGE,
        "docs/contracts/hum.md": "# HUM\n## Contacts\n",
        "layers/switchboard/calls/models.py": "",
    }.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Tree(tmp_path, ("docs", "layers"))


def cited(path: str, source: str, tree: Tree) -> list[tuple[int, str]]:
    """Line and citation of each finding."""
    return [(found.line, found.cited) for found in list_findings(path, source, tree)]


def test_every_citation_leads_somewhere() -> None:
    found = [str(one) for one in find_everywhere()]
    assert not found, "\n".join(["these citations lead nowhere (`python -m tests.citations` lists them):", *found])


def test_anchors_are_those_that_github_makes() -> None:
    assert anchors_of(_PAGE) == {"calls", "states", "calls-of-a-day-and-more", "states-1"}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('"""Contacts (docs/contracts/hum.md#contacts)."""', None),
        ('"""Contacts (docs/contracts/hum.md#people)."""', "docs/contracts/hum.md#people"),
        ('"""Contacts (docs/hum.md)."""', "docs/hum.md"),
        ('"""Contacts (hum.md#contacts)."""', None),
        ('"""The gate (DESIGN.md, rule 6)."""', "DESIGN.md"),
        ("#: Figures of conventions.md 1.9.", "conventions.md"),
        ("x = 1  # as calls/models.py says", None),
        ("x = 1  # as calls/machine.py says", "calls/machine.py"),
        ("#: A page of its own, https://example.com/docs/hum.md, of others.", None),
        ("#: Written to <noun>/store.py, */jobs.py and NAME/handler.py.", None),
        ("#: Kept in demo.json.", None),
        ('raise ValueError("see docs/hum.md for more")', "docs/hum.md"),
        ('file = "there is no tests/nowhere.py"', None),
        ('name = "hum.md"', None),
    ],
)
def test_code_cites_files_and_anchors_that_exist(line: str, wrong: str | None, tree: Tree) -> None:
    found = [one for _, one in cited("layers/code.py", f"{line}\n", tree)]
    assert [one for one in found if not one.startswith("rule")] == ([wrong] if wrong else [])


@pytest.mark.parametrize("text", ["as rule 6 says", "by rules 2 and 3", "as conventions 16 decides"])
def test_a_number_alone_is_no_citation(text: str, tree: Tree) -> None:
    assert cited("layers/code.py", f"# {text}\n", tree)
    assert cited("docs/page.md", f"{text}\n", tree)
    assert not cited("layers/code.py", "# as RFC 5322, 2.1.1 and 47 CFR 64.1200(c)(1) say\n", tree)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("[states](../calls.md#states-1)", None),
        ("[states](../calls.md#states-2)", "docs/calls.md#states-2"),
        ("[here](#hum)", None),
        ("[here](#him)", "docs/contracts/hum.md#him"),
        ("[home](../../README.md), [folder](../../layers/switchboard/calls)", None),
        ("[out](../../../elsewhere.md)", "../../../elsewhere.md"),
        ("[none](calls.md)", "calls.md"),
        ("![picture](none.png)", "none.png"),
        ("[away](https://example.com/none.md)", None),
        ("`[no](link.md)` as code: `docs/none.md`", "docs/none.md"),
        ("```\n[a](none.md)\n```", None),
    ],
)
def test_a_page_links_to_what_exists(line: str, wrong: str | None, tree: Tree) -> None:
    found = [one for _, one in cited("docs/contracts/hum.md", f"{line}\n", tree) if one != "link.md"]
    assert found == ([wrong] if wrong else [])


def test_a_finding_says_where_it_is_and_what_to_do(tree: Tree) -> None:
    page = "# One\n\n```\ncode\n```\n\nSee [two](two.md).\n"
    (found,) = list_findings("docs/one.md", page, tree)
    assert str(found) == "docs/one.md:7: two.md: the link leads to no file: correct it relative to this page"
    source = '"""One.\n\nThe rest is in docs/none.md.\n"""\n'
    (found,) = list_findings("layers/one.py", source, tree)
    assert (found.line, found.cited) == (3, "docs/none.md")
    assert found.advice == "no such file in the repository: cite a page under docs/, or say the reason"
