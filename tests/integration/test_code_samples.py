"""The code samples of the documents run as they are shown: with curl in bash, in Python, and in Node."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path

import httpx
import pytest

from infra import node
from switchboard.edge.code_samples import CODE_SAMPLES
from tests.conftest import Stack
from tests.contract import world
from tests.contract.conftest import deliver_mail, inside
from tests.contract.every import SPECS, Everyone, open_company
from tests.contract.spec import STREAM, Operation

#: The operations besides those with GET. The examples of their bodies are accepted, also again, and block nothing.
_OTHERS = {
    "anima": ("keyCreate", "hardCapPut", "consentCreate", "callingHoursPut", "emailSend", "webhookCreate"),
    "opticomm": ("externalApiAction",),
    "athos": ("mintSession",),
    "hum": (
        *("upsertContact", "createFlow", "createInboundTrigger", "updateCurrentOrg", "markAllCallsRead"),
        *("addSmsCampaignRecipients", "createWebhook"),
    ),
}
#: A browser sends the cookie of its own sign-in, or the origin of a partner's page. No other program can.
_FOR_BROWSERS = frozenset({"finishLogin", "getWidgetConfig", "getWidgetSession"})
_URL = re.compile(r'"\$SWITCHBOARD_URL(/[^"]*)"')
_HEADER = re.compile(r'-H "([\w-]+): ([^"$]*)\$(\w+)"')
_VARIABLE = re.compile(r"\$(\w+)")
#: Shows a response with an error status, and makes it a failure. The samples leave that to the person.
_CURLRC = "fail-with-body\nsilent\nshow-error\nmax-time = 5\n"
_DRIVER = """
import { readFileSync } from "node:fs";
const log = console.log;
for (const [file, environ] of JSON.parse(readFileSync("samples.json", "utf8"))) {
  Object.assign(process.env, environ);
  console.log = () => {};
  await import(`./${file}`).catch((error) => log(`${file}: ${error.message}`));
}
"""


@dataclass(frozen=True)
class Prepared:
    """An operation with the variables that its samples read."""

    operation: Operation
    environ: dict[str, str]

    def sources(self, language: str) -> list[str]:
        return [one["source"] for one in self.operation.raw[CODE_SAMPLES] if one["lang"] == language]

    @property
    def is_stream(self) -> bool:
        return STREAM in str(self.operation.raw["responses"])


@pytest.fixture(scope="module")
def every(stack: Stack, http: httpx.Client) -> Iterator[Everyone]:
    with inside(stack), world.rejecting_receiver():
        yield open_company(http, partial(deliver_mail, stack.home))


@pytest.fixture(scope="module")
def prepared(stack: Stack, every: Everyone) -> list[Prepared]:
    return [
        Prepared(operation, _environ(stack.url, every, api, operation))
        for api, spec in SPECS.items()
        for name, operation in spec.operations.items()
        if (operation.method == "GET" and name not in _FOR_BROWSERS) or name in _OTHERS[api]
    ]


def _environ(url: str, every: Everyone, api: str, operation: Operation) -> dict[str, str]:
    """The address, the ids of a request that succeeds, and its credential."""
    ask, sample = every.ask(api, operation.id), operation.raw[CODE_SAMPLES][0]["source"]
    found = {
        "SWITCHBOARD_URL": url,
        "ANIMA_AGENT_ID": every.anima.agent_id,
        "OPTICOMM_AGENT_ID": every.opticomm_flow,
    }
    shown = _URL.search(sample)
    assert shown, sample
    path, _, query = shown[1].partition("?")
    pattern = _VARIABLE.sub(r"(?P<\1>[^/]+)", re.sub(r"[.?+]", r"\\\g<0>", path))
    match = re.fullmatch(pattern, ask.path)
    assert match, (ask.path, pattern)
    found |= match.groupdict()
    found |= {one[1:]: ask.query[name] for name, one in re.findall(r"(\w+)=(\$\w+)", query)}
    if header := _HEADER.search(sample):
        given = {name.lower(): value for name, value in ask.headers.items()}[header[1].lower()]
        found[header[3]] = given.removeprefix(header[2]).partition(";")[0]
    return found


def test_samples_with_curl_run_in_bash(prepared: list[Prepared], tmp_path: Path) -> None:
    (tmp_path / ".curlrc").write_text(_CURLRC)
    failed = {}
    for one in prepared:
        environ = {"PATH": os.environ["PATH"], "CURL_HOME": str(tmp_path), **one.environ}
        for source in one.sources("bash"):
            done = subprocess.run(["bash", "-euc", source], env=environ, capture_output=True, text=True, check=False)
            # curl ends an endless response by itself.
            if not (done.stdout and one.is_stream) and done.returncode:
                failed[one.operation.id] = done.stdout + done.stderr
    assert not failed, "\n".join(f"{name}: {text}" for name, text in failed.items())


def test_samples_in_python_run(prepared: list[Prepared], monkeypatch: pytest.MonkeyPatch) -> None:
    failed = {}
    for one in prepared:
        for name, value in one.environ.items():
            monkeypatch.setenv(name, value)
        for source in one.sources("python"):
            program = compile(source, one.operation.id, "exec")
            if one.is_stream:
                continue
            try:
                with redirect_stdout(StringIO()):
                    exec(program, {})
            except Exception as error:  # noqa: BLE001 a sample may fail in any way
                failed[one.operation.id] = error
    assert not failed, "\n".join(f"{name}: {text}" for name, text in failed.items())


def test_samples_in_typescript_run(prepared: list[Prepared], tmp_path: Path) -> None:
    files = []
    for one in prepared:
        for source in one.sources("typescript"):
            name = f"{one.operation.id}{len(files)}.mts"
            (tmp_path / name).write_text(source)
            if not one.is_stream:
                files.append((name, one.environ))
    (tmp_path / "samples.json").write_text(json.dumps(files))
    (tmp_path / "run.mjs").write_text(_DRIVER)
    done = subprocess.run(
        [node.node_binary(), "run.mjs"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
