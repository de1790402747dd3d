"""The unit tests mirror the layer and the functions: the tests of a room stand in the folder of its name."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from tests.tables import each

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "tests" / "unit"
#: Folders of no room, each with the reason.
OTHER_FOLDERS = {
    "email/corpus": "mail that the tests of email/parsing.py read",
    "local": "the local stack of infra/local, as far as it runs without a started engine",
}
#: File names that each room may have, though a room has a module of that name. They reach their room through handlers.
COMMON_NAMES = {"http": "a noun over HTTP", "worker": "the worker of a noun"}
#: Other tests that reach their room only through requests to the handlers.
OVER_HTTP = {
    "edge/test_cors.py",
    "edge/test_own_webhooks.py",
    "edge/test_rate_limit_console.py",
    "roleplay/test_refusals.py",
}


def list_modules(root: Path = ROOT) -> set[str]:
    """The modules and packages of the layer and the functions, as paths: `webhooks`, `webhooks/store`."""
    found = set()
    for base in (root / "layers" / "switchboard", root / "functions"):
        for path in base.rglob("*.py"):
            place = path.relative_to(base)
            found.add((place.parent if place.name == "__init__.py" else place.with_suffix("")).as_posix())
    return found - {"."}


MODULES = list_modules()
PLACES = defaultdict(set)
for module in MODULES:
    PLACES[PurePosixPath(module).name].add(PurePosixPath(module).parent.as_posix())

TEST_FILES = sorted(path.relative_to(UNIT).as_posix() for path in UNIT.rglob("test_*.py"))
FOLDERS = sorted(
    {
        path.parent.relative_to(UNIT).as_posix()
        for path in UNIT.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    - {"."}
)


def find_folder_fault(folder: str) -> str:
    """Says where the tests of a folder belong; empty if the folder mirrors a folder or a module."""
    if folder in MODULES or folder in OTHER_FOLDERS:
        return ""
    return (
        f"tests/unit/{folder} mirrors neither a folder nor a module of layers/switchboard or functions: move its files "
        f"to the folder of the room that they test, or add {folder!r} with the reason to OTHER_FOLDERS in {__file__}"
    )


def find_name_fault(file: str) -> str:
    """Says where a file belongs whose name is a module of other rooms only; empty if it stands right."""
    path = PurePosixPath(file)
    name, room = path.stem.removeprefix("test_"), path.parts[0]
    if len(path.parts) == 1:
        # Rules for the whole tree stand here, and tests of the modules that stand in no room.
        if name in MODULES and (ROOT / "layers" / "switchboard" / name).is_dir():
            return f"tests/unit/{file} has the name of the room {name}: move it to tests/unit/{name}, or rename it"
        return ""
    own = {place for place in PLACES[name] if place == room or place.startswith(f"{room}/")}
    if not PLACES[name] or own or name in {*path.parts, *COMMON_NAMES} or room in OTHER_FOLDERS:
        return ""
    homes = " or ".join(
        sorted(f"tests/unit/{'' if place == '.' else place + '/'}{path.name}" for place in PLACES[name])
    )
    return (
        f"tests/unit/{file} has the name of a module that {room} does not have. If it tests that module, move it to "
        f"{homes}; if it tests {room}, name it test_<module>.py or test_<module>_<aspect>.py after a module of {room}"
    )


def list_rooms(source: str) -> Iterator[str]:
    """The rooms that a test imports: of the layer, of the functions, or the helpers beside a room's tests."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            for base in ("switchboard.", "functions.", "tests.unit."):
                if name.startswith(base):
                    yield name.removeprefix(base).split(".")[0]


def find_import_fault(file: str, source: str) -> str:
    """Says where a file belongs that imports other rooms than its own; empty if it stands right."""
    room, rooms = PurePosixPath(file).parts[0], set(list_rooms(source))
    common = PurePosixPath(file).stem.removeprefix("test_") in COMMON_NAMES
    if room in rooms or room in OTHER_FOLDERS or common or "/" not in file or not rooms & MODULES:
        return ""
    return (
        f"tests/unit/{file} imports nothing of {room}: move it to the folder of the room that it tests, one of "
        f"{', '.join(sorted(rooms & MODULES))}. If it asks a handler of {room}, add it to OVER_HTTP in {__file__}"
    )


@each("folder", FOLDERS)
def test_a_folder_of_tests_mirrors_a_folder_or_a_module(folder: str) -> None:
    fault = find_folder_fault(folder)
    assert not fault, fault


@each("file", TEST_FILES)
def test_a_file_named_after_a_module_stands_in_its_room(file: str) -> None:
    fault = find_name_fault(file)
    assert not fault, fault


@each("file", TEST_FILES)
def test_a_file_tests_the_room_it_stands_in(file: str) -> None:
    fault = find_import_fault(file, (UNIT / file).read_text())
    if file in OVER_HTTP:
        assert fault, f"take {file} off OVER_HTTP in {__file__}: it imports its room"
    else:
        assert not fault, fault


def test_each_exception_exists() -> None:
    gone = {*(OTHER_FOLDERS.keys() - FOLDERS), *(OVER_HTTP - set(TEST_FILES))}
    assert not gone, f"take {sorted(gone)} off OTHER_FOLDERS or OVER_HTTP in {__file__}: there is no such file"


@pytest.mark.parametrize("folder", ["campaign", "webhooks/endings", "persistences"])
def test_a_folder_of_no_room_is_found(folder: str) -> None:
    assert f"tests/unit/{folder} mirrors neither" in find_folder_fault(folder)


@pytest.mark.parametrize(
    ("file", "home"),
    [
        ("aws/test_idempotency.py", "tests/unit/persistence/test_idempotency.py"),
        ("kit/test_optimistic.py", "tests/unit/persistence/test_optimistic.py"),
        ("streams/test_workers.py", "tests/unit/test_workers.py"),
        ("webhooks/parking/test_sealing.py", "tests/unit/audit/test_sealing.py"),
        ("test_webhooks.py", "tests/unit/webhooks"),
    ],
)
def test_a_file_in_another_room_is_told_its_place(file: str, home: str) -> None:
    assert home in find_name_fault(file)


@pytest.mark.parametrize(
    "file", ["persistence/test_idempotency.py", "contacts/test_http.py", "calls/test_settling.py", "test_workers.py"]
)
def test_a_file_in_its_place_passes(file: str) -> None:
    assert not find_name_fault(file)


def test_a_file_that_tests_another_room_is_found() -> None:
    source = "from switchboard.persistence import listing\n"
    assert "one of persistence" in find_import_fault("kit/test_pages_of_lists.py", source)
    assert not find_import_fault("persistence/test_listing.py", source)
