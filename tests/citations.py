"""Finds citations that lead nowhere: `python -m tests.citations [PATH…]` lists them.

A citation is a relative link of a Markdown page, a path such as `docs/calls.md#states`, or a file name such as
`calls/models.py`. A path may leave out folders at its beginning. A placeholder (`<noun>`, `NAME`, `*`) is not a
citation.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from tests import sources

ROOT = Path(__file__).resolve().parents[1]
#: The folders with texts of the project, besides the files of its first folder.
FOLDERS = ("docs", "events", "functions", "infra", "layers", "tests")
#: Files with invented citations.
QUOTED = frozenset({"citations.py", "test_citations.py"})
#: The file types that are read. Markdown and Python have their own kinds of text; of all others the comments count.
READ = frozenset({".md", ".py", ".toml", ".mjs", ".sh", ".in"})
#: The guides are pages of the portal. `tests/unit/portal/test_guides.py` follows their links to other pages of it.
_GUIDES = "docs/guides/"
#: Folders that installations, builds and caches create.
_MADE = frozenset({"__pycache__", "node_modules", "build", "cdk.out"})

_URL = re.compile(r"\b[a-z][a-z+]*://\S+|\b(?:[\w-]+\.)+(?:com|gov|org|sh|ai|us|io)/\S*")
_PATH = re.compile(
    r"(?<![\w<>*…{}%~/.-])((?:\.\.?/)*[\w][\w./-]*\.(?:md|py|toml|mjs|json))(?:#([\w-]+))?(?![\w*/<{(-])"
)
#: JSON without a folder is a file that a program writes.
_WRITTEN = re.compile(r"[^/]*\.json")
_NUMBERED = re.compile(r"\brules? \d+\b|\b(?:conventions|DESIGN)\b(?=[ .]\d)")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)(?: \"[^\"]*\")?\)|!\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)


class Finding(NamedTuple):
    """A citation that leads nowhere, and a proposal for it."""

    path: str
    line: int
    cited: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.cited}: {self.advice}"


class Tree:
    """The files that a citation may name, and the anchors of pages."""

    def __init__(self, root: Path = ROOT, folders: tuple[str, ...] = FOLDERS) -> None:
        self._root = root
        top = [path for path in root.iterdir() if path.is_file()]
        below = [path for folder in folders for path in (root / folder).rglob("*") if path.is_file()]
        self.paths = sorted(
            path.relative_to(root).as_posix() for path in (*top, *below) if not _MADE.intersection(path.parts)
        )
        self._anchors: dict[str, frozenset[str]] = {}

    @cached_property
    def _endings(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.paths:
            parts = path.split("/")
            for number in range(len(parts)):
                found.setdefault("/".join(parts[number:]), []).append(path)
        return found

    @cached_property
    def _places(self) -> frozenset[str]:
        folders = {folder.as_posix() for path in self.paths for folder in Path(path).parents}
        return frozenset(folders | set(self.paths))

    def named(self, cited: str) -> list[str]:
        """Returns the files whose path equals the citation or ends with it. A path under `docs/` must be complete."""
        found = self._endings.get(cited, [])
        return [path for path in found if path == cited] if cited.startswith("docs/") else found

    def has(self, path: str) -> bool:
        """Whether a file or folder with that path exists."""
        return path in self._places

    def anchors(self, path: str) -> frozenset[str]:
        """Returns the anchors of a page."""
        if path not in self._anchors:
            self._anchors[path] = anchors_of((self._root / path).read_text(encoding="utf-8"))
        return self._anchors[path]


def anchors_of(page: str) -> frozenset[str]:
    """Returns the anchors that GitHub creates from a page's headings."""
    found: dict[str, int] = {}
    anchors = set[str]()
    for heading in _HEADING.findall(_FENCE.sub("", page)):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
        anchor = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        number = found.get(anchor, 0)
        found[anchor] = number + 1
        anchors.add(f"{anchor}-{number}" if number else anchor)
    return frozenset(anchors)


def list_findings(path: str, source: str, tree: Tree) -> Iterator[Finding]:
    """Yields the citations of a file that lead nowhere. `path` is relative to the repository."""
    if path.endswith(".md"):
        # Line numbers stay: a fence keeps its line ends.
        page = _FENCE.sub(lambda block: "\n" * block[0].count("\n"), source)
        yield from _find_broken_links(path, page, tree)
        plain = _LINK.sub(lambda link: "\n" * link[0].count("\n"), page)
        yield from _citations(path, 1, plain, tree)
        return
    for line, text, whole in _texts(path, source):
        yield from _citations(path, line, text, tree, whole=whole)


def _texts(path: str, source: str) -> Iterator[tuple[int, str, bool]]:
    """Yields texts with their line, and whether all citations in them count.

    A string that is not a docstring often names a file of another project, so only its pages count.
    """
    if not path.endswith(".py"):
        for line, text in enumerate(source.splitlines(), 1):
            if found := re.search(r"(?:^|\s)(?:#|//)(.*)", text):
                yield line, found[1], True
        return
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = set[int]()
    for node in sources.walk(ast.parse(source)):
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr):
            docstrings.add(id(node.body[0].value))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value.split()) > 1:
            yield node.lineno, node.value, id(node) in docstrings
    for line, comment in sources.list_comments(source):
        yield line, comment, True


def _citations(path: str, line: int, text: str, tree: Tree, *, whole: bool = True) -> Iterator[Finding]:
    plain = _URL.sub(lambda url: " " * len(url[0]), text)
    for found in _PATH.finditer(plain):
        cited, anchor = found[1], found[2]
        if _stands_for_any(cited) or _WRITTEN.fullmatch(cited) or not (whole or cited.endswith(".md")):
            continue
        at = line + plain.count("\n", 0, found.start())
        yield from _check_citation(
            path, at, cited.removeprefix("./"), anchor, tree.named(cited.removeprefix("./")), tree
        )
    for found in _NUMBERED.finditer(plain) if whole else ():
        at = line + plain.count("\n", 0, found.start())
        yield Finding(path, at, found[0], "a number names no rule here: say the reason, or cite a page and an anchor")


def _check_citation(
    path: str, line: int, cited: str, anchor: str | None, named: list[str], tree: Tree
) -> Iterator[Finding]:
    if not named:
        yield Finding(path, line, cited, "no such file in the repository: cite a page under docs/, or say the reason")
    elif anchor and not any(anchor in tree.anchors(one) for one in named if one.endswith(".md")):
        known = ", ".join(sorted(tree.anchors(named[0]))) if named[0].endswith(".md") else "none"
        yield Finding(path, line, f"{cited}#{anchor}", f"no such heading: use one of {known}")


def _stands_for_any(cited: str) -> bool:
    *folders, name = cited.split("/")
    return any(part.isupper() for part in folders) or (name.partition(".")[0].isupper() and not name.endswith(".md"))


def _find_broken_links(path: str, page: str, tree: Tree) -> Iterator[Finding]:
    """Yields the relative links of a page that lead nowhere."""
    # Code contains no links.
    plain = re.sub(r"`[^`\n]*`", lambda code: " " * len(code[0]), page)
    for found in _LINK.finditer(plain):
        target = unquote(found[1] or found[2])
        if re.match(r"[a-z][a-z+]*:", target) or (path.startswith(_GUIDES) and target.startswith("/")):
            continue
        place, _, anchor = target.partition("#")
        line = 1 + plain.count("\n", 0, found.start())
        wanted = _resolve_link(path, place) if place else path
        if wanted is None or not tree.has(wanted):
            yield Finding(path, line, target, "the link leads to no file: correct it relative to this page")
        elif anchor and wanted.endswith(".md"):
            yield from _check_citation(path, line, wanted, anchor, [wanted], tree)


def _resolve_link(path: str, place: str) -> str | None:
    """Returns a link's target relative to the repository, or `None` if it leaves the repository."""
    parts = path.split("/")[:-1]
    for part in place.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts) or "."


def find_everywhere(beginnings: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Yields the citations that lead nowhere, of the whole repository or of files whose paths begin as given."""
    tree = Tree()
    for path in tree.paths:
        name = path.rpartition("/")[2]
        is_read = name not in QUOTED and (Path(name).suffix in READ or name == "Makefile")
        if is_read and path.startswith(beginnings or ""):
            yield from list_findings(path, (ROOT / path).read_text(encoding="utf-8"), tree)


if __name__ == "__main__":
    print(*(found := list(find_everywhere(tuple(sys.argv[1:])))), sep="\n")
    sys.exit(f"{len(found)} citations lead nowhere" if found else 0)
