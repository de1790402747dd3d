"""The import rules that a machine can check."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

from tests.tables import each

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers"

#: The rooms of the layer, lowest first. A room imports its own modules and those of lower rooms. Every folder that is
#: not named here is a noun.
ROOMS = (
    {"kit", "errors", "telemetry"},
    {"aws"},
    {"persistence", "workers", "outbound"},
    {"carriers"},
    {"<nouns>"},
    {"edge"},
    {"dialects"},
    {"fanout"},
    {"cli"},
)
RANKS = {name: rank for rank, names in enumerate(ROOMS) for name in names}
#: Libraries that only one module may import.
OWNERS = {
    "boto3": {"switchboard.aws"},
    "botocore": {"switchboard.aws"},
    "twilio": {"switchboard.carriers"},
    "stripe": {"switchboard.carriers"},
    "httpx2": {"switchboard.carriers"},
    "elevenlabs": {"switchboard.carriers"},
    "aiohttp": {"switchboard.outbound"},
    "joserfc": {"switchboard.kit.jwts", "switchboard.carriers.identity"},
}


def modules() -> dict[str, Path]:
    found = {}
    for root in (LAYER / "switchboard", ROOT / "functions"):
        for path in root.rglob("*.py"):
            parts = path.relative_to(root.parent).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def imports(name: str, *, at_import: bool = False) -> frozenset[str]:
    """The full names of a module's imports. `at_import` selects only those that run at import."""
    tree = ast.parse(MODULES[name].read_text())
    return frozenset(_names_of_imports(_top_level(tree) if at_import else ast.walk(tree)))


def _names_of_imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module


def _top_level(tree: ast.Module) -> Iterator[ast.AST]:
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node


def area(name: str) -> str:
    """The domain, or other part of the layer, that a module is in."""
    return name.split(".")[1] if name.count(".") else name


LAYER_MODULES = sorted(name for name in MODULES if name.startswith("switchboard."))
FUNCTION_MODULES = sorted(name for name in MODULES if name.startswith("functions."))


@each("name", LAYER_MODULES)
def test_the_layer_knows_no_function_and_no_infrastructure(name: str) -> None:
    above = {target for target in imports(name) if target.split(".")[0] in {"functions", "infra"}}
    assert not above, f"{name} imports {sorted(above)}: move what it needs from there to a room of layers/switchboard"


def rank(name: str) -> int:
    """The height of a module's room."""
    return RANKS.get(area(name), RANKS["<nouns>"])


@each("name", LAYER_MODULES)
def test_imports_run_downward(name: str) -> None:
    upward = {target for target in imports(name) if target in MODULES and rank(target) > rank(name)}
    assert not upward, f"{name} imports {upward} from a higher room: see docs/architecture.md#import-rules"


def folder(name: str) -> str:
    """The folder of a module. A package's `__init__` is a module of its folder."""
    if MODULES[name].name == "__init__.py" or name.count(".") == 1:
        # A module at the top of the layer is its own folder.
        return name
    return name.rpartition(".")[0]


def folders(of: Callable[[str], str]) -> dict[str, dict[str, set[str]]]:
    """For each folder the folders that it imports, late and type-checking imports included, with the modules."""
    graph: dict[str, dict[str, set[str]]] = {}
    for name in MODULES:
        edges = graph.setdefault(of(name), {})
        for target in imports(name):
            if target in MODULES and of(target) != of(name):
                edges.setdefault(of(target), set()).add(f"{name} → {target}")
    return graph


def cycle_in(graph: Mapping[str, Mapping[str, set[str]]]) -> str:
    """The first cycle of a graph, with its imports; empty if there is none."""
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        found = error.args[1]
        # The sorter's edges point from the imported to the importing folder.
        pairs = [(after, before) for before, after in pairwise(found)]
        return "\n".join(f"{one} → {other}: {sorted(graph[one].get(other, ()))}" for one, other in pairs)
    return ""


def noun(name: str) -> str:
    """The first folder of a module of the layer, its whole folder elsewhere."""
    return ".".join(folder(name).split(".")[:2]) if name.startswith("switchboard") else folder(name)


def test_folders_have_no_import_cycle() -> None:
    assert not (found := cycle_in(folders(folder))), f"move a module, or turn an import round:\n{found}"
    assert not (found := cycle_in(folders(noun))), f"move a module, or turn an import round:\n{found}"


def test_a_cycle_of_folders_is_found() -> None:
    assert cycle_in({"a": {"b": {"a.x → b.y"}}, "b": {"a": {"b.z → a.w"}}, "c": {"a": {"c → a"}}})
    assert not cycle_in({"a": {"b": {"a.x → b.y"}}, "c": {"a": {"c → a"}}})


def is_store(name: str) -> bool:
    """Whether a module is a noun's store: `store`, or one of several, as `delivery_store`."""
    return name.startswith("switchboard.") and re.search(r"[._]store$", name) is not None


def test_every_store_is_recognized() -> None:
    stores = {name for name in LAYER_MODULES if is_store(name)}
    unrecognized = {"switchboard.webhooks.store", "switchboard.webhooks.delivery_store"} - stores
    assert not unrecognized, f"is_store does not recognize {unrecognized}: correct its pattern, or the names here"


@each("name", [*LAYER_MODULES, *FUNCTION_MODULES])
def test_a_store_is_imported_by_its_own_domain_only(name: str) -> None:
    foreign = {target for target in imports(name) if is_store(target) and area(target) != area(name)}
    assert not foreign, f"{name} imports {sorted(foreign)}: add a function to the service of that noun, and call it"


@each("name", [*LAYER_MODULES, *FUNCTION_MODULES])
def test_a_library_with_an_owner_is_imported_by_it_only(name: str) -> None:
    for target in imports(name):
        owners = OWNERS.get(target.split(".")[0])
        assert owners is None or any(name.startswith(owner) for owner in owners), (
            f"{name} imports {target}: call a function of {sorted(owners)} instead, and add it there if it is missing"
        )


@each("name", [*LAYER_MODULES, *FUNCTION_MODULES])
def test_random_values_come_from_one_module(name: str) -> None:
    if name == "switchboard.kit.chance":
        return
    assert "random" not in imports(name), f"{name} imports random: draw from switchboard.kit.chance instead"


#: Words of an effect by hand. Use `commit_once` and `find_earlier_effect` instead.
EFFECT_WORDS = {"AlreadyDoneError", "marker_write", "require_new"}
#: A caller's own `request_id` is an `IdempotencyGuard` itself, used by others in their commits. So is the mark of a
#: text that a turn of the AI sends: a turn is no request and has no key. And so is the mark of a flow that a fired
#: event starts.
EFFECTS = {"switchboard.calls.request_ids", "switchboard.replies.store", "switchboard.triggers.firing_store"}
#: Each attempt takes another place at once, and the last one gives up: `optimistic` would pause for the same place.
#: A judge retries its model and changes nothing.
LOOPS = {
    "switchboard.streams.service",
    "switchboard.webhooks.breaker",
}
#: Their cursors are not keys of the table: a workflow's two positions, a word of the index, an id in a full read.
CURSORS = {
    "switchboard.audit.service",
    # The places of a page come from a list, or from several search indexes.
    "switchboard.call_records.service",
    # The recipients of a campaign are in partitions of a thousand, and a cursor is an index.
    "switchboard.campaigns.recipient_lists",
    # The list of unread things merges two ranges, and leaves out what a third one names.
    "switchboard.inbox.unread",
    "switchboard.search.index",
    "switchboard.webhooks.service",
}


def nouns() -> list[str]:
    return [name for name in LAYER_MODULES if rank(name) == RANKS["<nouns>"]]


def names_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=found) | ast.Attribute(attr=found) | ast.alias(name=found):
                yield found
            case ast.FunctionDef(name=found):
                yield found


def loops_over_attempts(tree: ast.AST) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.For) and re.search(r"range\(\w*(attempts|tries|retries)", ast.unparse(node.iter), re.I)
    ]


# The lists above hold only exceptions: a module that leaves one must not return.


@each("name", nouns())
def test_a_noun_commits_effects_with_the_common_function_only(name: str) -> None:
    words = EFFECT_WORDS & set(names_in(ast.parse(MODULES[name].read_text())))
    assert bool(words) is (name in EFFECTS), (
        f"{name} uses {words}: commit with persistence.idempotency.commit_once, ask with find_earlier_effect"
    )


@each("name", nouns())
def test_a_noun_retries_changes_with_the_common_function_only(name: str) -> None:
    lines = loops_over_attempts(ast.parse(MODULES[name].read_text()))
    assert bool(lines) is (name in LOOPS), (
        f"{name} loops over attempts in lines {lines}: use switchboard.persistence.optimistic, which also pauses"
    )


@each("name", nouns())
def test_lists_are_paged_in_one_module(name: str) -> None:
    read = "switchboard.persistence.cursors" in imports(name)
    assert read is (name in CURSORS), f"{name} reads cursors: use switchboard.persistence.listing"


@each("name", FUNCTION_MODULES)
def test_functions_do_not_import_each_other(name: str) -> None:
    here = name.rpartition(".")[0]
    others = {target for target in imports(name) if target.startswith("functions.") and not target.startswith(here)}
    assert not others, (
        f"{name} imports {sorted(others)}: move what both functions need to a noun, or to the dialect in "
        "layers/switchboard"
    )


def test_imports_have_no_cycle() -> None:
    graph = {name: {target for target in imports(name, at_import=True) if target in MODULES} for name in MODULES}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"import cycle: {' → '.join(error.args[1])}")
