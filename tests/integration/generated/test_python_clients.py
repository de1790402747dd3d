"""A client of openapi-python-client calls every operation."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from infra import openapi
from tests.conftest import Stack
from tests.contract.every import SPECS, Everyone
from tests.integration.generated.python_client import PythonClient, generate

Clients = dict[str, PythonClient]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    folder = tmp_path_factory.mktemp("generated")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield {name: generate(openapi.FOLDER / f"{name}.json", folder, f"generated_{name}") for name in SPECS}
    for name in [name for name in sys.modules if name.startswith("generated_")]:
        del sys.modules[name]


@pytest.mark.parametrize(("api", "name"), [(api, name) for api, spec in SPECS.items() for name in spec.operations])
def test_a_generated_client_calls_every_operation(
    stack: Stack, every: Everyone, clients: Clients, api: str, name: str
) -> None:
    operation, client = SPECS[api].operations[name], clients[api]
    ask = every.ask(api, name)
    answer = client.call(stack.url, operation, ask)
    assert answer.status_code < 400, answer.content
    client.check(operation, answer)
    if operation.raw.get("security") != []:
        credentials = ("Authorization", "X-API-Key", "Cookie")
        stranger = client.call(stack.url, operation, ask.with_headers(**dict.fromkeys(credentials)))
        assert stranger.status_code == 401
        client.check(operation, stranger)
