"""HUM's webhooks over the whole stack: the events of every API arrive, fit their schemas, and verify everywhere."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.conftest import Stack
from tests.integration import verifiers
from tests.integration.conftest import wait_until
from tests.integration.receiver import Receiver
from tests.integration.verifiers import Signed

_WAIT_SECONDS = 60
_LIBRARIES = {f"{name} in {language}" for name in ("standardwebhooks", "svix") for language in ("Python", "Node")}


@pytest.fixture
def console(stack: Stack) -> Iterator[httpx.Client]:
    """The demo organization's admin."""
    origin = stack.url.replace("127.0.0.1", "localhost")
    cookies, headers = {"bh_hum_session": stack.keys["HUM_SESSION"]}, {"origin": origin}
    with httpx.Client(base_url=stack.url, cookies=cookies, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
def hook(console: httpx.Client, receiver: Receiver) -> Iterator[dict[str, Any]]:
    """A webhook of the receiver for the events of all APIs."""
    wanted = {"url": receiver.url, "events": ["call.*", "email.*", "webhook.*"]}
    made = console.post("/api/webhooks", json=wanted)
    assert made.status_code == 201, made.text
    yield made.json()
    console.delete(f"/api/webhooks/{made.json()['id']}")


def send_test(console: httpx.Client, receiver: Receiver, hook: dict[str, Any]) -> dict[str, Any]:
    """Sends a test delivery. Returns what arrived."""
    sent = console.post(f"/api/webhooks/{hook['id']}/test").json()["delivery_id"]
    return wait_for(receiver, lambda got: got["headers"]["webhook-id"] == sent)


def wait_for(receiver: Receiver, wanted: Any) -> dict[str, Any]:
    found: list[dict[str, Any]] = wait_until(lambda: [one for one in receiver.got if wanted(one)], _WAIT_SECONDS)
    return found[0]


def verified(*deliveries: tuple[str, dict[str, Any]]) -> dict[str, list[bool]]:
    """Whether each library verifies each pair of a secret and what arrived."""
    found = verifiers.verify([Signed(secret, got["raw"], got["headers"]) for secret, got in deliveries])
    assert found.keys() == _LIBRARIES
    return found


def test_official_libraries_verify_deliveries_also_during_a_rotation(
    console: httpx.Client, receiver: Receiver, hook: dict[str, Any]
) -> None:
    before = send_test(console, receiver, hook)
    digest = hmac.digest(hook["secret"].encode(), before["raw"], "sha256").hex()
    assert before["headers"]["X-HUM-Signature"] == f"sha256={digest}"
    rotated = console.post(f"/api/webhooks/{hook['id']}/rotate-secret").json()
    during = send_test(console, receiver, hook)
    changed = {**during, "raw": during["raw"] + b" "}
    results = verified(
        (hook["secret"], before),
        (rotated["secret"], before),
        (hook["secret"], during),
        (rotated["secret"], during),
        (rotated["secret"], changed),
    )
    assert results == {name: [True, False, True, True, False] for name in _LIBRARIES}


def test_a_delivery_that_is_sent_again_arrives_with_the_same_id_and_body(
    console: httpx.Client, receiver: Receiver, hook: dict[str, Any]
) -> None:
    first = send_test(console, receiver, hook)
    delivery_id = first["headers"]["webhook-id"]
    path = f"/api/webhooks/{hook['id']}"
    wait_until(lambda: console.get(f"{path}/deliveries", params={"status": "succeeded"}).json()["deliveries"])
    again = console.post(f"{path}/redeliver/{delivery_id}")
    assert again.json() == {"ok": True, "delivery_id": delivery_id}
    wait_until(lambda: len([one for one in receiver.got if one["headers"]["webhook-id"] == delivery_id]) == 2)
    assert receiver.got[-1]["raw"] == first["raw"]


def test_events_of_other_apis_arrive_and_fit_their_schemas(
    console: httpx.Client, receiver: Receiver, hook: dict[str, Any], http: httpx.Client, stack: Stack
) -> None:
    body = {
        "action": "initiate_call",
        "agent_id": stack.keys["OPTICOMM_AGENT_ID"],
        "phone_number": "+14155550142",
        "request_id": secrets.token_hex(8),
    }
    placed = http.post("/functions/v1/external-api", json=body, headers={"X-API-Key": stack.keys["OPTICOMM_LIVE_KEY"]})
    mail = {"to": "you@example.com", "subject": "Hello", "body": "b"}
    key = {"Authorization": f"Bearer {stack.keys['ANIMA_AGENT_KEY']}"}
    sent = http.post("/v1/email/send", json=mail, headers=key)
    assert (placed.status_code, sent.status_code) == (200, 200), (placed.text, sent.text)
    subjects = {placed.json()["call_id"]: {"call.initiated", "call.completed"}, sent.json()["id"]: {"email.sent"}}
    for subject_id, names in subjects.items():
        for name in names:
            wait_for(receiver, lambda got, w=(subject_id, name): (got["body"]["data"]["id"], got["body"]["type"]) == w)
    types = console.get("/api/webhooks/event-types").json()["event_types"]
    schemas = {one["name"]: one["body_schema"] for one in types}
    for got in receiver.got:
        assert got["headers"]["X-HUM-Event"] == got["body"]["type"]
        Draft202012Validator(schemas[got["body"]["type"]]).validate(got["body"])
    results = verified(*((hook["secret"], got) for got in receiver.got))
    assert all(all(found) for found in results.values())
