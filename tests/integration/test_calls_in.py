"""Calls in over HTTP: an operator lets simulated people call, and the calls appear as real ones do."""

from __future__ import annotations

import json
import secrets
from typing import Any

import httpx
import pytest

from tests.conftest import Stack
from tests.integration.conftest import wait_until
from tests.integration.test_cli import run_command

_WAIT_SECONDS = 90


@pytest.fixture(scope="module")
def console(stack: Stack) -> Any:
    origin = stack.url.replace("127.0.0.1", "localhost")
    with httpx.Client(
        base_url=origin,
        cookies={"bh_hum_session": stack.keys["HUM_SESSION"]},
        headers={"origin": origin},
        timeout=20,
    ) as client:
        yield client


def make_number(console: httpx.Client, **flow: Any) -> str:
    """Returns a new number with a new flow."""
    name = f"Front desk {secrets.token_hex(4)}"
    made = console.post("/api/flows", json={"name": name, "greeting": "Front desk, hello."} | flow)
    assert made.status_code == 201, made.text
    offered = console.get("/api/numbers/available", params={"limit": 1}).json()
    e164 = next(iter(offered.values()))[0]["phoneNumber"]
    bought = console.post("/api/numbers/buy", json={"phoneNumber": e164, "flow_id": made.json()["id"]})
    assert bought.status_code == 201, bought.text
    return str(e164)


def call_in(stack: Stack, e164: str, *words: str) -> dict[str, Any]:
    """Lets a simulated person call. Returns the call after its end, in the words of Anima's API."""
    printed = run_command(
        "simulate", "call", "--to", e164, *words, "--json", "--local", str(stack.home), cwd=stack.home
    )
    path = f"/v1/voice/calls/{json.loads(printed)['call']}"
    bearer = {"authorization": f"Bearer {stack.keys['ANIMA_MASTER_KEY']}"}

    def find() -> dict[str, Any] | None:
        answer = httpx.get(f"{stack.url}{path}", headers=bearer, timeout=20)
        return answer.json() if answer.status_code == 200 and answer.json()["state"] == "ENDED" else None

    call: dict[str, Any] = wait_until(find, _WAIT_SECONDS)

    def turns() -> Any:
        return httpx.get(f"{stack.url}{path}/transcript", headers=bearer, timeout=20).json()["segments"]

    return call | {"said": [turn["text"] for turn in turns()]}


def test_a_simulated_person_calls_talks_and_hangs_up(stack: Stack, console: httpx.Client) -> None:
    e164 = make_number(console)
    call = call_in(stack, e164, "--from", "+14155550142", "--says", "Are you open?", "--says", "Thank you.")
    assert (call["direction"], call["from"], call["to"], call["endReason"], call["outcome"]) == (
        "INBOUND",
        "+14155550142",
        e164,
        "completed",
        "success",
    )
    assert call["said"][:2] == ["Front desk, hello.", "Are you open?"]


def test_a_simulated_person_leaves_a_message_that_becomes_a_voicemail(stack: Stack, console: httpx.Client) -> None:
    e164 = make_number(console)
    call = call_in(stack, e164, "--says", "Please call me back.", "--voicemail")
    assert call["endReason"] == "completed"

    def find() -> dict[str, Any] | None:
        rows = console.get("/api/voicemails", params={"filter": "unread"}).json()["voicemails"]
        return next((row for row in rows if row["call_id"] == call["id"]), None)

    voicemail = wait_until(find, _WAIT_SECONDS)
    assert (voicemail["is_heard"], voicemail["is_read"]) == (False, False)


def test_a_blocked_person_hears_nothing(stack: Stack, console: httpx.Client) -> None:
    e164, blocked = make_number(console), "+14155550177"
    assert console.post("/api/blocklist", json={"e164": blocked}).status_code in (200, 201)
    call = call_in(stack, e164, "--from", blocked, "--says", "Hello?")
    assert (call["endReason"], call["said"], call["answeredAt"]) == ("blocked", [], None)


def test_only_the_provider_may_call(stack: Stack) -> None:
    for path in ("/twilio/voice/num_00000000000000000000000000", "/twilio/voice/x", "/twilio/x"):
        answer = httpx.post(f"{stack.url}{path}", data={"CallSid": f"CA{'1' * 32}"}, timeout=20)
        assert (answer.status_code, answer.text) in ((403, ""), (404, ""))


def test_an_unknown_number_is_refused(stack: Stack) -> None:
    words = ("simulate", "call", "--to", "+14155550101", "--local", str(stack.home))
    assert "No organization has the number" in run_command(*words, cwd=stack.home, code=1)
