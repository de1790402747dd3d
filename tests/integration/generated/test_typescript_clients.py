"""A client of openapi-generator's typescript-fetch calls every operation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Stack
from tests.contract.every import SPECS, Everyone
from tests.integration.generated.python_client import is_same
from tests.integration.generated.typescript_client import Caller, TypeScriptClient, generate, running_caller


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("typescript")
    generate(made, [*SPECS])
    return made


@pytest.fixture(scope="module")
def clients(folder: Path) -> dict[str, TypeScriptClient]:
    return {name: TypeScriptClient(folder, name) for name in SPECS}


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    with running_caller() as running:
        yield running


@pytest.mark.parametrize(("api", "name"), [(api, name) for api, spec in SPECS.items() for name in spec.operations])
def test_a_generated_client_calls_every_operation(
    stack: Stack, every: Everyone, clients: dict[str, TypeScriptClient], caller: Caller, api: str, name: str
) -> None:
    operation = SPECS[api].operations[name]
    asked = clients[api].write_call(stack.url, operation, every.ask(api, name))
    result = caller.call(asked)
    assert result["status"] in operation.statuses, result
    assert result["status"] < 400, result
    if asked["writer"]:
        said = json.loads(result["said"])
        assert is_same(result["value"], said), f"{name}: the client read {result['value']} from {said}"
