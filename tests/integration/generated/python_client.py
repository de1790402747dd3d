"""Clients of openapi-python-client: generated, imported, and called with the requests of `tests/contract`."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any, get_args
from urllib.parse import unquote

import httpx

from tests.contract.spec import STREAM, Operation, Spec
from tests.contract.world import Ask

_CONFIG = Path(__file__).with_name("openapi_python_client.json")
_JSON = ("application/json", "application/problem+json")


def generate(document: Path, folder: Path, package: str) -> PythonClient:
    """Generate a client into a new package of a folder. A warning of the generator is a fault of the document."""
    command = [
        *(sys.executable, "-m", "openapi_python_client", "generate", "--path", document, "--config", _CONFIG),
        *("--output-path", folder / package, "--meta", "none", "--fail-on-warning"),
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return PythonClient(package, Spec.read(document))


@dataclass(frozen=True)
class PythonClient:
    """A generated client. The folder of its package is on the path."""

    package: str
    spec: Spec

    def call(self, url: str, operation: Operation, ask: Ask) -> Any:
        """Send a request by the client's function of an operation. Returns the client's response."""
        function = self._function(operation)
        given = {plain_name(name): value for name, value in list_arguments(operation, ask).items()}
        arguments = {
            name: _convert(given[plain_name(name)], parameter.annotation)
            for name, parameter in inspect.signature(function).parameters.items()
            if plain_name(name) in given
        }
        missing = given.keys() - {plain_name(name) for name in arguments}
        assert not missing, f"{operation.id}: the client's function has no {missing}"
        if body := self._body(function, ask):
            arguments["body"] = body
        with self._client(url, ask.headers) as client:
            return function(client=client, **arguments)

    def check(self, operation: Operation, answer: Any) -> None:
        """Assert that the client understood a response, and lost nothing of it."""
        status = int(answer.status_code)
        content = self.spec.answer(operation, status).get("content", {})
        if not content.keys() & set(_JSON):
            return
        assert answer.parsed is not None, f"{operation.id}: the client does not read its {status}"
        told = answer.parsed.to_dict() if hasattr(answer.parsed, "to_dict") else answer.parsed
        said = httpx.Response(status, content=answer.content).json()
        assert is_same(told, said), f"{operation.id}: the client read {told} from {said}"

    def _function(self, operation: Operation) -> Any:
        api = import_module(f"{self.package}.api")
        wanted = plain_name(operation.id)
        for folder in Path(api.__path__[0]).iterdir():
            for path in folder.glob("*.py"):
                if plain_name(path.stem) == wanted:
                    return import_module(f"{self.package}.api.{folder.name}.{path.stem}").sync_detailed
        raise AssertionError(f"the client has no function for {operation.id}")

    def _client(self, url: str, headers: Mapping[str, str]) -> Any:
        made: ModuleType = import_module(f"{self.package}.client")
        options = {
            "base_url": url,
            "raise_on_unexpected_status": True,
            "timeout": httpx.Timeout(20),
            "httpx_args": {"transport": _FirstBlocks()},
            # The origin of a widget's page: browsers send it, and no client has it as a parameter.
            "headers": {name: value for name, value in headers.items() if name == "Origin"},
        }
        if "Authorization" in headers:
            return made.AuthenticatedClient(token=headers["Authorization"].removeprefix("Bearer "), **options)
        if "X-API-Key" in headers:
            name = "X-API-Key"
            return made.AuthenticatedClient(token=headers[name], prefix="", auth_header_name=name, **options)
        pairs = headers.get("Cookie", "")
        cookies = dict(pair.split("=", 1) for pair in pairs.split("; ")) if pairs else {}
        return made.Client(cookies=cookies, **options)

    def _body(self, function: Any, ask: Ask) -> Any:
        if ask.body is None and ask.content is None and not ask.files:
            return None
        kinds = inspect.signature(function).parameters["body"].annotation
        types = import_module(f"{self.package}.types")
        possible = [one for one in get_args(kinds) or (kinds,) if one is not types.Unset]
        if ask.content is not None:
            return types.File(payload=BytesIO(ask.content))
        if ask.files:
            return possible[0](
                **{
                    field: types.File(payload=BytesIO(data), file_name=name, mime_type=media_type)
                    for field, (name, data, media_type) in ask.files.items()
                }
            )
        return _first_that_reads(possible, ask.body)


def list_arguments(operation: Operation, ask: Ask) -> dict[str, str]:
    """The parameters of a request in path, query and headers, by their names in the document."""
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", operation.path)
    found = re.fullmatch(pattern, ask.path)
    assert found, f"{ask.path} is not a path of {operation.id}"
    headers = {name: value for name, value in ask.headers.items() if name not in _CREDENTIALS}
    return {name: unquote(value) for name, value in found.groupdict().items()} | ask.query | headers


def _first_that_reads(kinds: list[Any], body: dict[str, Any]) -> Any:
    """The body as the first class of a choice that has its constants."""
    for kind in kinds:
        with suppress(ValueError):
            return kind.from_dict(body)
    raise AssertionError(f"no class of {kinds} reads {body}")


_CREDENTIALS = ("Authorization", "X-API-Key", "Cookie", "Origin", "content-type")


def plain_name(name: str) -> str:
    """A name without case and signs, as two languages have it in common."""
    return re.sub("[^a-z0-9]", "", name.lower())


def _convert(text: str, kinds: Any) -> Any:
    """A parameter in the type of the client's function."""
    for kind in get_args(kinds) or (kinds,):
        if kind is int:
            return int(text)
        if kind is datetime:
            return datetime.fromisoformat(text)
        if isinstance(kind, type) and issubclass(kind, str) and kind is not str:
            return kind(text)
    return text


def is_same(told: Any, said: Any) -> bool:
    """Whether the client's value has all of the response. It may write a moment in another way.

    The TypeScript client also writes its own spelling of the names, beside that of an object with free fields.
    """
    if isinstance(told, dict) and isinstance(said, dict):
        return told.keys() >= said.keys() and all(is_same(told[name], said[name]) for name in said)
    if isinstance(told, list) and isinstance(said, list):
        return len(told) == len(said) and all(map(is_same, told, said))
    if told == said:
        return True
    try:
        return datetime.fromisoformat(told) == datetime.fromisoformat(said)
    except (TypeError, ValueError):
        return False


class _FirstBlocks(httpx.HTTPTransport):
    """A transport that ends a stream after its first block."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if answer.headers.get("content-type", "").partition(";")[0] != STREAM:
            return answer
        first = next(iter(answer.stream))
        answer.close()
        return httpx.Response(answer.status_code, headers=answer.headers, content=first)
