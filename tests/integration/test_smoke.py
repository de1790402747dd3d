"""The smoke test passes against the local stack, and notices a deployment that is not well."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from infra import smoke
from tests.conftest import ROOT, Stack


def test_every_step_passes_against_the_local_stack(stack: Stack) -> None:
    environ = {**os.environ, **stack.keys, "SWITCHBOARD_URL": stack.url}
    done = subprocess.run(
        [sys.executable, "-m", "infra.smoke"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    results = [line.split()[0] for line in done.stdout.splitlines()]
    assert (done.returncode, results) == (0, ["ok"] * len(smoke.STEPS)), done.stdout + done.stderr


def test_a_step_without_its_key_is_left_out(stack: Stack) -> None:
    with httpx.Client(base_url=stack.url) as client:
        found = [result for result, _ in smoke.walk(smoke.Visit(client, {}))]
    assert found == ["ok", "ok", "ok", "left out", "left out", "left out"]


@pytest.mark.parametrize(
    ("path", "spoil", "step"),
    [
        ("/api/health", lambda answer: httpx.Response(503, json={}), smoke.check_health),
        ("/openapi/hum.json", lambda answer: httpx.Response(200, json={"paths": {}}), smoke.check_pages),
        ("/api/me", lambda answer: httpx.Response(200, json={}), smoke.check_refusals),
        ("/v1/email/send", lambda answer: httpx.Response(200, json=answer.json() | {"n": os.urandom(4).hex()}), None),
        ("/v1/audit/events", lambda answer: httpx.Response(200, json={"events": []}), smoke.check_mail),
        ("/functions/v1/external-api", lambda answer: httpx.Response(200, json={"status": "stuck"}), smoke.check_call),
        ("/api/calls", lambda answer: httpx.Response(500, json={}), smoke.check_console),
    ],
)
def test_each_fault_is_noticed_by_its_step(
    stack: Stack, path: str, spoil: Callable[[httpx.Response], httpx.Response], step: Any
) -> None:
    with httpx.Client(base_url=stack.url) as real:

        def answer(request: httpx.Request) -> httpx.Response:
            url = stack.url + request.url.raw_path.decode()
            headers = {name: value for name, value in request.headers.items() if name != "host"}
            given = real.request(request.method, url, headers=headers, content=request.content)
            return (
                spoil(given) if request.url.path == path else httpx.Response(given.status_code, content=given.content)
            )

        with httpx.Client(base_url="http://spoiled.example", transport=httpx.MockTransport(answer)) as client:
            visit = smoke.Visit(client, stack.keys, patience_seconds=20)
            with pytest.raises((smoke.FailedStepError, KeyError)):
                (step or smoke.check_mail)(visit)
