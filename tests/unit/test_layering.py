"""The house rules that a machine can check: who may import whom."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers" / "switchboard" / "python"

#: Below every domain: no domain, no edge, no function is imported here.
FOUNDATION = {"errors", "telemetry", "aws", "kit", "consumer"}
#: Above every domain.
ABOVE = {"edge", "cli"}
#: Libraries that one place only may know.
OWNERS = {
    "boto3": {"switchboard.aws"},
    "botocore": {"switchboard.aws"},
    "twilio": {"switchboard.carriers"},
    "stripe": {"switchboard.carriers"},
    "elevenlabs": {"switchboard.carriers"},
    "aiohttp": {"switchboard.outbound"},
}


def modules() -> dict[str, Path]:
    found = {}
    for root in (LAYER / "switchboard", ROOT / "functions"):
        for path in root.rglob("*.py"):
            parts = path.relative_to(root.parent).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(name: str, *, at_import: bool = False) -> Iterator[str]:
    """What a module imports, as full module names; with `at_import` only what its own import brings about."""
    tree = ast.parse(MODULES[name].read_text())
    nodes = _top_level(tree) if at_import else ast.walk(tree)
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


@pytest.mark.parametrize("name", LAYER_MODULES)
def test_the_layer_knows_no_function_and_no_infrastructure(name: str) -> None:
    assert not {target for target in imports(name) if target.split(".")[0] in {"functions", "infra"}}


@pytest.mark.parametrize("name", [name for name in LAYER_MODULES if area(name) in FOUNDATION])
def test_the_foundation_knows_no_domain(name: str) -> None:
    known = {area(target) for target in imports(name) if target.startswith("switchboard.")}
    assert known <= FOUNDATION


@pytest.mark.parametrize("name", [name for name in LAYER_MODULES if area(name) not in FOUNDATION | ABOVE])
def test_a_domain_knows_nothing_of_http(name: str) -> None:
    assert not {target for target in imports(name) if target.startswith(("switchboard.edge", "switchboard.cli"))}


def is_store(name: str) -> bool:
    """Whether a module is a noun's store: `store`, or one of several, as `delivery_store`."""
    return name.startswith("switchboard.") and re.search(r"[._]store$", name) is not None


def test_every_store_is_known_as_one() -> None:
    stores = {name for name in LAYER_MODULES if is_store(name)}
    assert {"switchboard.webhooks.store", "switchboard.webhooks.delivery_store"} <= stores


@pytest.mark.parametrize("name", [*LAYER_MODULES, *FUNCTION_MODULES])
def test_a_store_is_its_own_domains_alone(name: str) -> None:
    assert not {target for target in imports(name) if is_store(target) and area(target) != area(name)}


@pytest.mark.parametrize("name", [*LAYER_MODULES, *FUNCTION_MODULES])
def test_a_library_with_an_owner_is_imported_by_it_alone(name: str) -> None:
    for target in imports(name):
        owners = OWNERS.get(target.split(".")[0])
        assert owners is None or any(name.startswith(owner) for owner in owners), f"{name} imports {target}"


@pytest.mark.parametrize("name", sorted({*LAYER_MODULES, *FUNCTION_MODULES}))
def test_chance_comes_from_one_place(name: str) -> None:
    if name == "switchboard.aws.chance":
        return
    assert "random" not in set(imports(name)), f"{name} imports random: draw from switchboard.aws.chance instead"


#: The words of an effect by hand, for which there is `commit_once` and `done_before`.
EFFECT_WORDS = {"AlreadyDone", "marker", "require_new"}
#: A caller's own `request_id` is a `Once` itself, that others commit with.
EFFECTS = {"switchboard.calls.requests"}
#: Each attempt takes another place at once, and the last one gives up: `kit.change` would pause for the same one.
#: A judge asks its model again and changes nothing.
LOOPS = {"switchboard.streams.service", "switchboard.webhooks.breaker", "switchboard.roleplay.judges.model"}
#: Their cursors are no keys of the table: a workflow's two places, a word of the index, an id among all that are read.
CURSORS = {"switchboard.audit.service", "switchboard.search.index", "switchboard.webhooks.service"}


def nouns() -> list[str]:
    return [name for name in LAYER_MODULES if area(name) not in FOUNDATION | ABOVE | {"carriers"}]


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


# The lists above hold what is an exception and nothing else: who leaves one does not come back.


@pytest.mark.parametrize("name", nouns())
def test_a_noun_makes_no_effect_by_hand(name: str) -> None:
    words = EFFECT_WORDS & set(names_in(ast.parse(MODULES[name].read_text())))
    assert bool(words) is (name in EFFECTS), (
        f"{name} uses {words}: commit with switchboard.aws.effect.commit_once, ask with done_before"
    )


@pytest.mark.parametrize("name", nouns())
def test_a_noun_repeats_no_change_by_hand(name: str) -> None:
    lines = loops_over_attempts(ast.parse(MODULES[name].read_text()))
    assert bool(lines) is (name in LOOPS), (
        f"{name} loops over attempts in lines {lines}: use switchboard.kit.change, which also pauses"
    )


@pytest.mark.parametrize("name", nouns())
def test_a_list_is_paged_in_one_place(name: str) -> None:
    read = "switchboard.aws.cursor" in set(imports(name))
    assert read is (name in CURSORS), f"{name} reads cursors: use switchboard.kit.listing"


@pytest.mark.parametrize("name", FUNCTION_MODULES)
def test_a_function_knows_no_other_function(name: str) -> None:
    here = name.rpartition(".")[0]
    others = {target for target in imports(name) if target.startswith("functions.") and not target.startswith(here)}
    assert not others


def test_no_import_goes_round_in_a_circle() -> None:
    graph = {name: {target for target in imports(name, at_import=True) if target in MODULES} for name in MODULES}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"import cycle: {' → '.join(error.args[1])}")
