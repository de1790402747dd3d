"""The pages name files, classes, methods and functions that exist.

A name counts as one of the code if its form says so: a path that ends in `.py`, `Class.attribute`, `module.function`
or `function(…)`. Other words in backticks are fields, settings and states, which no form tells from functions.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from infra.openapi import ROOT
from switchboard.carriers.voice.ports import line, reports, talker
from switchboard.events import registry

#: The pages about the code. The pages of contracts are about other products, too.
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
#: The page of bodies names their fields by path (`data.flow_id`).
PAGES.remove(ROOT / "docs" / "webhook-events.md")
FOLDERS = ("layers/switchboard", "functions", "infra", "tests")
_QUOTED = re.compile(r"`([^`\n]+)`")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"[\w./-]+\.py")
_ATTRIBUTE = re.compile(r"([A-Z][A-Za-z]+)\.([a-z_]+)(?:\(.*\))?")
_FUNCTION = re.compile(r"([a-z]+)\.([a-z]+(?:_[a-z]+)+)(?:\(.*\))?|([a-z]+(?:_[a-z]+)+)\(.*\)")
#: Classes of browsers that have the name of one of ours.
_FOREIGN = {"EventSource"}
#: A part of a path that the reader replaces.
_PLACEHOLDER = re.compile(r"<|NAME|NOUN|\bnoun\b")


class Names(NamedTuple):
    """The names of the code: functions and methods, the names of each module, and the attributes of each class."""

    functions: set[str]
    modules: dict[str, set[str]]
    classes: dict[str, set[str]]


@cache
def read_names() -> Names:
    names = Names(set(), defaultdict(set), defaultdict(set))
    for path in (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        module = path.parent.name if path.stem == "__init__" else path.stem
        for node in ast.parse(path.read_text()).body:
            names.modules[module].update(_bound_names(node))
            if module == "service":
                # A noun's service is imported by the name of the noun.
                names.modules[path.parent.name].update(_bound_names(node))
            if isinstance(node, ast.ClassDef):
                names.classes[node.name].update(name for part in node.body for name in _bound_names(part))
    names.functions.update(*names.modules.values(), *names.classes.values())
    return names


def _bound_names(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name for alias in aliases)


def find_unknown_names(page: str) -> list[str]:
    """The names of code in a page that do not exist."""
    names = read_names()
    return [quoted for quoted in _QUOTED.findall(_FENCED.sub("", page)) if not _is_known(quoted, names)]


def _is_known(quoted: str, names: Names) -> bool:
    if _PATH.fullmatch(quoted):
        roots = [ROOT, ROOT / "layers", *(ROOT / folder for folder in FOLDERS), *(ROOT / FOLDERS[0]).iterdir()]
        return (
            bool(_PLACEHOLDER.search(quoted)) or any((root / quoted).is_file() for root in roots) or _is_module(quoted)
        )
    if quoted in registry.TYPES:
        return True
    if match := _ATTRIBUTE.fullmatch(quoted):
        owner, attribute = match.groups()
        return owner in _FOREIGN or owner not in names.classes or attribute in names.classes[owner]
    if match := _FUNCTION.fullmatch(quoted):
        module, function, called = match.groups()
        if called:
            return called in names.functions
        return module not in names.modules or function in names.modules[module]
    return True


def _is_module(quoted: str) -> bool:
    """Whether a name without a folder is that of a file in each noun, such as `store.py`."""
    return "/" not in quoted and any((ROOT / folder).rglob(quoted) for folder in FOLDERS)


def test_pages_name_code_that_exists() -> None:
    unknown = {str(page.relative_to(ROOT)): found for page in PAGES if (found := find_unknown_names(page.read_text()))}
    assert not unknown, f"these names are not in the code, so correct the pages: {unknown}"


def test_an_old_name_is_found() -> None:
    old = (
        "`Contact.tail`",
        "`contacts/book.py`",
        "`background.wait_for_nobody()`",
        "`lend_books(origin)`",
    )
    new = (
        "`Contact.tail_tokens`",
        "`contacts/service.py`",
        "`background.wait_for_guard()`",
        "`find_number(number_id)`",
        "`voice.call.answered`",
        "`functions/callbacks/NAME/handler.py`",
        "`ends_at`",
    )
    assert find_unknown_names(" ".join([*old, *new])) == [name.strip("`") for name in old]


def test_the_page_of_calls_names_each_method_of_the_ports() -> None:
    section = (ROOT / "docs" / "calls.md").read_text().partition("## A line and a talker")[2].partition("\n## ")[0]
    named = {quoted.rpartition(".")[2] for quoted in _QUOTED.findall(section)}
    methods = {
        name
        for port in (line.Line, talker.Talker, reports.Receiver)
        for name, part in vars(port).items()
        if callable(part) and not name.startswith("_")
    }
    assert methods <= named, f"name {sorted(methods - named)} in docs/calls.md#a-line-and-a-talker"


def test_each_page_is_read() -> None:
    assert {Path("docs/calls.md"), Path("CONTRIBUTING.md")} <= {page.relative_to(ROOT) for page in PAGES}
