"""`make invoke` while the stack runs: the handler works on the stack's data."""

from __future__ import annotations

import json
import subprocess
import sys

import httpx

from tests.conftest import ROOT, Stack


def test_a_sample_event_runs_on_the_running_stacks_data(stack: Stack, http: httpx.Client) -> None:
    command = [sys.executable, "-m", "infra.local.invoke", "anima/email", "events/anima-email-send.json"]
    done = subprocess.run(command, cwd=ROOT, env={"SWITCHBOARD_HOME": str(stack.home)}, capture_output=True, check=True)
    sent = json.loads(json.loads(done.stdout)["body"])
    key = {"Authorization": f"Bearer {stack.keys['ANIMA_AGENT_KEY']}"}
    assert http.get(f"/v1/email/messages/{sent['id']}", headers=key).json()["subject"] == "Hello"


def test_the_stacks_credentials_are_readable_by_their_owner_only(stack: Stack) -> None:
    for name in ("environ.json", "demo.json", "demo.env"):
        assert (stack.home / name).stat().st_mode & 0o077 == 0
