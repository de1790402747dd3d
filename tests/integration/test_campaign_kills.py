"""A campaign on a local stack of its own, of which a random worker is killed every second."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local import dynoxide
from infra.local.aws import engine_client
from switchboard.aws.dynamodb import decode_item
from switchboard.kit.settings import env_key
from tests.integration.conftest import wait_until
from tests.integration.test_local_stack import Running

pytestmark = [
    pytest.mark.skipif(not Path("/proc").exists(), reason="processes are found through /proc"),
    pytest.mark.skipif(not dynoxide.has_build(), reason="tables live in the AWS engine on this machine"),
]

_RECIPIENTS, _KILLS = 60, 10
_PATIENCE = 60
#: The first processes of the pools answer requests, the next ones work.
_API_PROCESSES, _WORKERS = 3, 2
_DIED = "A process of the worker pool died."


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    found = Running(tmp_path_factory.mktemp("kills") / "home")
    found.start()
    yield found
    found.end(signal.SIGTERM)


@pytest.fixture
def console(stack: Running) -> Iterator[httpx.Client]:
    origin = f"http://localhost:{stack.port}"
    cookies = {"bh_hum_session": stack.keys["HUM_SESSION"]}
    with httpx.Client(base_url=origin, cookies=cookies, headers={"origin": origin}, timeout=20) as client:
        yield client


def buy_number(console: httpx.Client) -> str:
    offered = console.get("/api/numbers/available", params={"limit": 1, "smsEnabled": "true"}).json()
    e164 = next(iter(offered.values()))[0]["phoneNumber"]
    assert console.post("/api/numbers/buy", json={"phoneNumber": e164}).status_code == 201
    return str(next(row["id"] for row in console.get("/api/numbers").json()["numbers"] if row["e164"] == e164))


class Engine:
    """The tables and queues of a stack."""

    def __init__(self, stack: Running) -> None:
        self._environ = json.loads((stack.home / "environ.json").read_text())

    def scan_activity(self, attribute: str) -> list[dict[str, Any]]:
        """Returns the items that have an attribute."""
        found: list[dict[str, Any]] = []
        pages = engine_client(self._environ, "dynamodb").get_paginator("scan")
        table = self._environ[env_key("TABLE", "activity")]
        for page in pages.paginate(TableName=table, FilterExpression=f"attribute_exists({attribute})"):
            found += map(decode_item, page["Items"])
        return found

    def send(self, job: dict[str, Any]) -> None:
        """Sends a job to the worker of campaigns, before its time."""
        url = self._environ[env_key("QUEUE", "campaigns")]
        engine_client(self._environ, "sqs").send_message(QueueUrl=url, MessageBody=json.dumps(job))


def start_campaign(stack: Running, console: httpx.Client, engine: Engine) -> tuple[str, list[str]]:
    """Creates and starts a campaign. Returns its id and its recipients, who do not answer."""
    contacts = [f"+1415555{place:04d}" for place in range(100, 100 + _RECIPIENTS)]
    wanted = {
        "name": "Kills",
        "twilio_number_id": buy_number(console),
        "body_template": "Hello.",
        "throttle_per_minute": 600,
        "recipients": [{"contact_e164": contact} for contact in contacts],
    }
    made = console.post("/api/sms/campaigns", json=wanted)
    assert made.status_code == 201, made.text
    campaign_id = str(made.json()["id"])
    assert console.post(f"/api/sms/campaigns/{campaign_id}/launch").is_success
    # Its own job comes at the next full minute.
    org_id = stack.keys["ORGANIZATION_ID"]
    engine.send({"job": "StartCampaign", "org_id": org_id, "campaign_id": campaign_id, "launch": 1})
    return campaign_id, contacts


def kill_workers(stack: Running) -> int:
    """Kills a random worker every second. Returns the number of kills."""
    others = set(stack.pool_processes()) - find_workers(stack)
    kills = 0
    for _ in range(_KILLS):
        time.sleep(1)
        workers = sorted(set(stack.pool_processes()) - others)
        if workers:
            with suppress(ProcessLookupError):
                os.kill(random.choice(workers), signal.SIGKILL)
                kills += 1
    return kills


def find_workers(stack: Running) -> set[int]:
    started = sorted(stack.pool_processes())
    return set(started[_API_PROCESSES : _API_PROCESSES + _WORKERS])


def test_a_campaign_survives_the_kill_of_a_random_worker_every_second(stack: Running, console: httpx.Client) -> None:
    engine = Engine(stack)
    campaign_id, contacts = start_campaign(stack, console, engine)

    kills = kill_workers(stack)

    assert kills >= _KILLS // 2
    assert stack.output.read_text().count(_DIED) >= kills // 2, "other processes were killed"

    def count() -> dict[str, int]:
        counts: dict[str, int] = console.get(f"/api/sms/campaigns/{campaign_id}").json()["counts"]
        assert sum(value for name, value in counts.items() if name not in ("total", "replied")) == counts["total"]
        return counts

    def open_texts() -> list[dict[str, Any]]:
        texts = engine.scan_activity("campaign_id")
        return [one for one in texts if one.get("status") == "sending"]

    wait_until(lambda: count()["delivered"] + len(open_texts()) == _RECIPIENTS, _PATIENCE)

    def asked() -> list[dict[str, Any]]:
        jobs = [one.get("body", {}) for one in engine.scan_activity("outbox")]
        return [body for body in jobs if body.get("job") == "ConfirmClaims"]

    # A worker died between the hand-over of a text and its record. The turn that comes again lets the carrier be asked
    # about it after ten minutes.
    def are_watched() -> bool:
        watched = {claim["message_id"] for body in asked() for claim in body["claimed"]}
        return {one["id"] for one in open_texts()} <= watched

    wait_until(are_watched, _PATIENCE)
    for body in asked():
        engine.send(body)
    wait_until(lambda: count()["delivered"] == _RECIPIENTS, _PATIENCE)
    taken = engine.scan_activity("hand_overs")
    assert sorted(one["to_number"] for one in taken) == contacts
    assert {int(one["hand_overs"]) for one in taken} == {1}
