"""The operator's commands against the running stack and the engine, as a person runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from switchboard.aws import clients, dead_letters, queues
from switchboard.cli import trigger
from switchboard.kit import settings
from switchboard.kit.jobs import QueueMessage
from tests.conftest import Stack
from tests.integration.conftest import wait_until
from tests.integration.receiver import Receiver

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
    assert verdict == {"links": len(documents), "head": head, "fault": None, "proven": True}

    whole = chain.read_bytes()
    place = whole.index(sent["id"].encode()) + 10
    chain.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert "fault" in run_command("audit", "verify", str(chain), cwd=tmp_path, code=1)

    chain.write_bytes(b"".join(whole.splitlines(keepends=True)[:3]))
    assert "proven  no" in run_command("audit", "verify", str(chain), cwd=tmp_path, code=3)

    master = {"Authorization": f"Bearer {org['master_key']}"}
    answer = tmp_path / "answer.json"
    answer.write_bytes(http.get("/v1/audit/export", headers=master).content)
    run_command("audit", "verify", str(answer), cwd=tmp_path)
    assert run("audit", "verify", "--org", org["organization"])["fault"] is None

    run("key", "revoke", org["organization"], key["key"])
    wait_until(lambda: http.get("/v1/email/messages", headers=bearer).status_code == 401)

    assert run("org", "rename", "acme-cli", "--slug", "acme-renamed")["organization"] == org["organization"]
    run("org", "suspend", "acme-renamed")
    wait_until(lambda: http.get("/v1/email/messages", headers=master).status_code == 403)
    run("org", "resume", "acme-renamed")
    wait_until(lambda: http.get("/v1/email/messages", headers=master).status_code == 200)
    assert run("org", "delete", "acme-renamed", "--yes")["organization"] == org["organization"]
    wait_until(lambda: run("org", "deletion", org["organization"])["phase"] == "waiting")
    assert run("org", "deletion", org["organization"])["ended"]["agent"] == 1
    wait_until(lambda: http.get("/v1/email/messages", headers=master).status_code in (401, 403))
    assert run("org", "show", "acme-renamed")["status"] == "deleted"


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


@contextmanager
def listening(stack: Stack, *words: str) -> Iterator[list[str]]:
    """Run `switchboard listen`. Yields the lines of its output, which grow."""
    with subprocess.Popen(
        [SWITCHBOARD, "listen", *words, "--local", str(stack.home)],
        cwd=stack.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        reader = threading.Thread(target=lambda out: lines.extend(iter(out.readline, "")), args=(process.stdout,))
        # `extend` takes lines as they come.
        reader.start()
        try:
            wait_until(lambda: any("signing secret" in line for line in lines), 30)
            yield lines
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)
            reader.join()
    assert process.returncode == 130


def trigger_event(stack: Stack, event: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(
        run_command("trigger", event, "--json", "--local", str(stack.home), cwd=stack.home)
    )
    return made


def test_listen_forwards_a_triggered_event_as_the_organizations_webhook_gets_it(
    stack: Stack, http: httpx.Client, receiver: Receiver
) -> None:
    master = {"Authorization": f"Bearer {stack.keys['ANIMA_MASTER_KEY']}"}
    hook = {"url": receiver.url, "events": ["call.ended"]}
    made = http.post("/v1/webhooks", json=hook, headers=master).json()
    with listening(stack, "--forward-to", receiver.url, "--events", "call.*") as lines:
        secret = next(word for line in lines for word in line.split() if word.startswith("whsec_"))
        call = trigger_event(stack, "call.ended")
        wait_until(lambda: sum(one["body"].get("callId") == call["call"] for one in receiver.got) == 2, 60)
        wait_until(lambda: any("<-- [200]" in line for line in lines))
    http.delete(f"/v1/webhooks/{made['id']}", headers=master)
    first, second = [one for one in receiver.got if one["body"].get("callId") == call["call"]]
    assert first["raw"] == second["raw"]
    assert _named(first) == _named(second)
    registered, forwarded = sorted((first, second), key=lambda one: not _is_signed(one, made["secret"]))
    Webhook(made["secret"]).verify(registered["raw"], registered["headers"])
    Webhook(secret).verify(forwarded["raw"], forwarded["headers"])
    assert registered["headers"]["webhook-sequence"] == forwarded["headers"]["webhook-sequence"]


def _named(got: dict[str, Any]) -> set[str]:
    """The names of a delivery's headers, without those that its HTTP client adds."""
    return {name.lower() for name in got["headers"]} - {"accept", "accept-encoding", "connection", "host"}


def _is_signed(got: dict[str, Any], secret: str) -> bool:
    try:
        Webhook(secret).verify(got["raw"], got["headers"])
    except WebhookVerificationError:
        return False
    return True


def test_every_event_can_be_triggered(stack: Stack) -> None:
    # A number comes first, because the events of texts and voicemails need one.
    events = sorted({one.names[-1] for one in trigger.TRIGGERS}, key=lambda name: name != "number.bought")
    with listening(stack, "--api", "hum") as lines:
        for event in events:
            trigger_event(stack, event)
        wanted = {event.partition(":")[0].replace("call.ended", "call.completed") for event in events}
        wait_until(lambda: wanted <= {line.split()[2] for line in lines if "-->" in line}, 90)


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
