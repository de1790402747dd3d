"""The zips that are deployed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra import build, resources, topology
from infra.build import Assets


def names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def test_the_same_code_makes_the_same_zips(tmp_path: Path) -> None:
    first, again = (build.build_assets(tmp_path / name) for name in ("first", "again"))
    for name, path in first.functions.items():
        assert path.read_bytes() == again.functions[name].read_bytes()
    assert first.layer.read_bytes() == again.layer.read_bytes()
    assert first.dependencies.read_bytes() == again.dependencies.read_bytes()


@pytest.mark.parametrize("function", [pytest.param(made, id=made.name) for made in topology.FUNCTIONS])
def test_a_zip_holds_the_functions_own_folder_and_what_it_includes(
    assets: Assets, function: resources.Function
) -> None:
    folders = tuple(f"functions/{name}/" for name in (function.name, *function.includes))
    inside = names(assets.functions[function.name])
    assert f"{folders[0]}handler.py" in inside
    assert all(name.startswith(folders) or name.endswith("/__init__.py") for name in inside)
    assert all(any(name.startswith(folder) for name in inside) for folder in folders)


def test_a_server_is_started_by_a_script_that_may_be_run(assets: Assets) -> None:
    for group in topology.GROUPS:
        if group.streaming:
            with zipfile.ZipFile(assets.functions[group.name]) as archive:
                script = archive.getinfo(f"functions/{group.name}/run.sh")
                assert script.external_attr >> 16 == 0o755
                assert f"functions.{group.name.replace('/', '.')}.app:app" in archive.read(script).decode()


def test_zips_hold_no_bytecode(assets: Assets) -> None:
    shipped = set().union(*(names(path) for path in (*assets.functions.values(), assets.layer)))
    assert not [name for name in shipped if "__pycache__" in name or name.endswith(".pyc")]


_IMPORT = """
import importlib, json, sys
layer, functions = json.loads(sys.argv[1])
sys.path.insert(0, layer)

for name, home in functions.items():
    sys.path.insert(0, home)
    module = importlib.import_module(f"functions.{name.replace('/', '.')}.handler")
    assert module.__file__.startswith(home), module.__file__
    assert callable(module.handler)

    for loaded in [loaded for loaded in sys.modules if loaded.split(".")[0] == "functions"]:
        del sys.modules[loaded]
    sys.path.remove(home)

import switchboard
assert switchboard.__file__.startswith(layer), switchboard.__file__
"""


def test_every_function_imports_from_its_zip_and_the_layer_alone(assets: Assets, tmp_path: Path) -> None:
    def unzipped(path: Path, *below: str) -> str:
        home = tmp_path / path.stem
        with zipfile.ZipFile(path) as archive:
            archive.extractall(home)
        return str(home.joinpath(*below))

    places = json.dumps(
        [unzipped(assets.layer, "python"), {name: unzipped(path) for name, path in assets.functions.items()}]
    )
    subprocess.run([sys.executable, "-c", _IMPORT, places], check=True, cwd=tmp_path)


def test_the_dependencies_keep_every_aws_service_that_the_code_calls() -> None:
    used = set()
    for path in (*build.LAYER.rglob("*.py"), *(build.ROOT / "functions").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("get_client", "clients.get_client"):
                used |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    assert "dynamodb" in used
    missing = sorted(used - build.SERVICES)
    assert not missing, f"add {missing} to SERVICES in {build.__file__}: the code calls them"


def test_dependencies_are_built_again_only_when_their_lock_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[list[str]] = []

    def pip(command: list[str], **_: object) -> None:
        installed.append(command)
        data = Path(command[command.index("--target") + 1]) / "botocore" / "data"
        for service in ("sqs", "gamelift", "sqs/examples"):
            (data / service).mkdir(parents=True)
            (data / service / "service.json").write_text("{}")

    monkeypatch.setattr(subprocess, "run", pip)
    lock = tmp_path / "requirements.txt"
    monkeypatch.setattr(build, "REQUIREMENTS", lock)
    lock.write_text("one==1")
    assert not build.is_built(tmp_path)
    assert build.build_assets(tmp_path).dependencies.name == "dependencies-missing.zip"
    built = build.build_dependencies(tmp_path)
    assert build.build_dependencies(tmp_path) == built == build.build_assets(tmp_path).dependencies
    assert len(installed) == 1
    assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} <= set(installed[0])
    assert names(built) == {"python/botocore/data/sqs/service.json"}
    lock.write_text("one==2")
    assert not build.is_built(tmp_path)


def test_layers_that_lambda_would_refuse_are_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pip(command: list[str], **_: object) -> None:
        data = Path(command[command.index("--target") + 1]) / "botocore" / "data" / "sqs"
        data.mkdir(parents=True)
        (data / "service.json").write_bytes(b"0" * 1_000)

    monkeypatch.setattr(subprocess, "run", pip)
    own = build.unzipped_bytes(build.write_layer_zip(tmp_path))
    monkeypatch.setattr(build, "MAX_UNZIPPED_BYTES", own + 999)
    with pytest.raises(build.TooLargeError, match="remove a dependency"):
        build.build_dependencies(tmp_path)
    assert not build.is_built(tmp_path)
    monkeypatch.setattr(build, "MAX_UNZIPPED_BYTES", own + 1_000)
    build.build_dependencies(tmp_path)
    assert build.is_built(tmp_path)


def test_the_layers_have_room_for_every_function(assets: Assets) -> None:
    """The pinned dependencies, where they are built (`python -m infra.build`), and in any case our own code."""
    built = [build.build_assets().dependencies] if build.is_built() else []
    largest = max(build.unzipped_bytes(path) for path in assets.functions.values())
    used = sum(map(build.unzipped_bytes, (assets.layer, *built))) + largest
    assert used < build.MAX_UNZIPPED_BYTES
