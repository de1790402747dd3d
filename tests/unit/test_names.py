"""Names that a machine can check: one word for one thing, and functions that say what they return."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.tables import each

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers" / "switchboard"
FILES = sorted(LAYER.rglob("*.py"))
FUNCTIONS = sorted((ROOT / "functions").rglob("*.py"))
#: Class names that two folders share on purpose, with the reason.
SHARED: dict[str, str] = {}
#: The return annotations of functions that return writes for a commit.
_ONE = r"(?:Put|Update|Delete|ConditionCheck|Write)"
WRITES = re.compile(rf"(?:\w+\.)?(?:{_ONE}|Writes)|(?:\w+\.)?\w+\[(?:(?:\w+\.)?(?:{_ONE}|Writes)(?:, )?|\.\.\.)+\]")
ENDINGS = ("_write", "_writes", "_check", "_checks")
#: The vocabulary of writes itself.
VOCABULARY = {"persistence", "aws"}


def public_classes(sources: dict[str, str]) -> dict[str, list[str]]:
    """The definitions of each public class name at the top of a module, by name."""
    found: dict[str, list[str]] = defaultdict(list)
    for place, source in sources.items():
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(place)
    return found


def test_a_class_name_is_unique_across_the_layer_and_the_functions() -> None:
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in [*FILES, *FUNCTIONS]}
    twice = {name: places for name, places in public_classes(sources).items() if len(places) > 1}
    assert twice.keys() == SHARED.keys(), (
        "Give each of these classes a name of its own (add the noun: RoleplayCall; a model of an API ends in View, and"
        " its document leaves that out), or list the name in SHARED with the reason:"
        f" { {name: twice[name] for name in twice.keys() - SHARED.keys()} }. Take off SHARED, because one"
        f" class has the name now: {sorted(SHARED.keys() - twice.keys())}"
    )


def test_a_shared_class_name_is_found() -> None:
    sources = {"calls/models.py": "class Call: ...\n", "roleplay/models.py": "class Call: ...\nclass _Own: ...\n"}
    assert public_classes(sources) == {"Call": ["calls/models.py", "roleplay/models.py"]}


def misnamed_writers(source: str) -> Iterator[str]:
    """Functions that return writes for a commit, without saying so in their names."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.returns is None:
            continue
        result = ast.unparse(node.returns)
        parts = [part.strip("'\" ") for part in result.split(" | ") if part != "None"]
        is_write = all(WRITES.fullmatch(part) for part in parts)
        if parts and is_write and node.name != "writes" and not node.name.endswith(ENDINGS):
            yield f"line {node.lineno}: {node.name} returns {result}"


@each("path", FILES)
def test_a_function_that_returns_writes_says_so(path: Path) -> None:
    if path.relative_to(LAYER).parts[0] in VOCABULARY:
        return
    assert not (found := list(misnamed_writers(path.read_text()))), (
        f"{found}: a function that returns writes for a commit ends in `_write` or `_writes`, one that returns"
        " conditions in `_check` or `_checks`; a function that commits has a plain verb as its name"
    )


def test_a_misnamed_writer_is_found() -> None:
    source = "def put_org(org) -> Put: ...\ndef org_write(org) -> Put: ...\ndef commit_org(org) -> None: ...\n"
    assert list(misnamed_writers(source)) == ["line 1: put_org returns Put"]
    for result in ("Put | None", "list[Put]", "tuple[Put, Put]", "writes.Put", "'Put'", "Put | Delete | list[Put]"):
        assert list(misnamed_writers(f"async def put_org(org) -> {result}: ...\n")), result


BRITISH = re.compile(
    r"organisation|behaviour|colour|catalogue|dialled|dialler|cancelled|neighbour|honour|recognis|authoris|normalis"
    r"|serialis|initialis|summaris|judgement|synchronis|anonymis|licence",
    re.IGNORECASE,
)
#: Identifiers with the spelling of a contract, a provider or a library.
THEIR_SPELLING = frozenset({"CancelledError", "cancelled"})


@each("path", [*FILES, *FUNCTIONS, *sorted((ROOT / "infra").rglob("*.py"))])
def test_identifiers_have_american_spelling(path: Path) -> None:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        for field in ("id", "attr", "name", "arg", "asname"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                names.add(value)
    assert not (found := {name for name in names if BRITISH.search(name)} - THEIR_SPELLING), (
        f"{found}: spell identifiers as in American English (organization, catalog, canceled)"
    )
