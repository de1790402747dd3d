"""The operator's commands against the running stack and the engine, as a person runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from switchboard.aws import clients, dead_letters, queues
from switchboard.kit import settings
from switchboard.kit.jobs import QueueMessage
from tests.conftest import Stack
from tests.integration.conftest import wait_until

SWITCHBOARD = Path(sys.executable).with_name("switchboard")


def run_command(*words: str, cwd: Path, code: int = 0) -> str:
    """The output of a command. It finds a deployment only through `cwd`."""
    ran = subprocess.run(
        [SWITCHBOARD, *words],
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SWITCHBOARD_"))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == code, ran.stderr
    assert "Traceback" not in ran.stderr
    return ran.stdout or ran.stderr


def test_an_organization_from_its_creation_to_its_verified_chain(
    stack: Stack, http: httpx.Client, tmp_path: Path
) -> None:
    def run(*words: str) -> Any:
        return json.loads(run_command(*words, "--json", "--local", str(stack.home), cwd=stack.home))

    org = run("org", "create", "Acme", "--slug", "acme-cli", "--plan", "growth")
    agent = run("agent", "create", org["organization"], "acme-cli")
    key = run("key", "create", org["organization"], "--kind", "agent", "--agent", agent["agent"], "--name", "cli")
    bearer = {"Authorization": f"Bearer {key['text']}"}

    mail = {"to": "you@example.com", "subject": "Hello", "body": "From an agent.", "correlation_id": "cli-1"}
    sent = http.post("/v1/email/send", json=mail, headers=bearer).json()
    wait_until(lambda: http.get(f"/v1/email/messages/{sent['id']}", headers=bearer).json()["status"] == "DELIVERED")
    wait_until(lambda: _sealed(http, bearer, {"email.queued", "email.sent", "email.delivered"}))
    assert run("usage", "show", org["organization"])["email"] == 1

    chain = tmp_path / "chain.jsonl"
    run_command("audit", "export", org["organization"], "-o", str(chain), "--local", str(stack.home), cwd=stack.home)
    *documents, end = [json.loads(line) for line in chain.read_text().splitlines()]
    assert documents[0]["actorType"] == "operator"
    assert {document["resourceId"] for document in documents if document["correlationId"] == "cli-1"} == {sent["id"]}
    head = documents[-1]["immutableHash"]
    assert end == {"head": {"seq": len(documents), "hash": head}}
    # Offline: no stack and no setting is available.
    verdict = json.loads(run_command("audit", "verify", str(chain), "--expect-head", head, "--json", cwd=tmp_path))
    assert verdict == {"links": len(documents), "head": head, "fault": None}

    whole = chain.read_bytes()
    place = whole.index(sent["id"].encode()) + 10
    chain.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert "fault" in run_command("audit", "verify", str(chain), cwd=tmp_path, code=1)

    master = {"Authorization": f"Bearer {org['master_key']}"}
    answer = tmp_path / "answer.json"
    answer.write_bytes(http.get("/v1/audit/export", headers=master).content)
    run_command("audit", "verify", str(answer), cwd=tmp_path)
    assert run("audit", "verify", "--org", org["organization"])["fault"] is None

    run("key", "revoke", org["organization"], key["key"])
    wait_until(lambda: http.get("/v1/email/messages", headers=bearer).status_code == 401)


def _sealed(http: httpx.Client, bearer: dict[str, str], wanted: set[str]) -> bool:
    found = http.get("/v1/audit/events", params={"correlation_id": "cli-1"}, headers=bearer).json()
    return {event["action"] for event in found["events"] if event["seq"]} == wanted


def test_the_running_stack_is_the_default_in_its_directory(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / ".local").symlink_to(stack.home)
    listed = run_command("org", "list", cwd=tmp_path)
    assert stack.keys.get("ORGANIZATION_ID", "org_") in listed
    assert " demo " in listed
    assert " email-events " in run_command("queue", "list", cwd=tmp_path).replace("\n", " ")
    assert "--local" in run_command("org", "list", cwd=stack.home, code=1)


@pytest.mark.parametrize("name", ["email", "audit"])
def test_a_dead_letter_is_redriven_at_once(engine_cloud: dict[str, str], name: str) -> None:
    """Through the engine's own dead-letter queue, within the five minutes in which a FIFO queue drops duplicates."""
    url, sqs = settings.queue_url(name), clients.get_client("sqs")
    queues.send_messages(
        [
            QueueMessage(queue=name, body={"n": n}, group=f"org_{n}", dedupe=f"d{n}" * (name == "audit"))
            for n in range(3)
        ]
    )

    def fails() -> bool:
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return dead_letters.count_messages(name).dead == 3

    wait_until(fails)
    assert dead_letters.redrive_dead_letters(name) == 3
    assert dead_letters.count_messages(name) == (3, 0, 0, 0)
    back = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
    found = {(json.loads(message["Body"])["n"], message["Attributes"]["MessageGroupId"]) for message in back}
    assert found == {(n, f"org_{n}") for n in range(3)}
