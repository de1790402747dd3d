"""The voice provider's callbacks over HTTP: signed ones are accepted in any order, and all others are refused."""

from __future__ import annotations

import json
import time

import httpx
import pytest

from tests.conftest import Stack
from tests.integration.conftest import wait_until

CALL = {"tier": "basic", "metadata": {"consent_source": "business-relationship"}}
_SAME = ("state", "endReason", "outcome", "summary", "durationSeconds", "costCents", "answeredBy", "provisional")
_TURNS = 7
UNRULY, ANYBODY = "+15005550032", "+14155550142"


def test_a_call_has_the_same_end_for_any_order_of_reports(http: httpx.Client, stack: Stack) -> None:
    agent = {"authorization": f"Bearer {stack.keys['ANIMA_AGENT_KEY']}"}
    paths = []
    for number in (ANYBODY, UNRULY):
        placed = http.post("/v1/voice/calls", json=CALL | {"to": number}, headers=agent)
        assert placed.status_code == 200, placed.text
        paths.append(f"/v1/voice/calls/{placed.json()['callId']}")
    for path in paths:
        wait_until(lambda path=path: _is_complete(http, path, agent), 90)
    quiet, unruly = (http.get(path, headers=agent).json() for path in paths)
    assert {name: quiet[name] for name in _SAME} == {name: unruly[name] for name in _SAME}
    assert (quiet["endReason"], quiet["outcome"]) == ("completed", "success")
    assert _texts(http, paths[0], agent) == _texts(http, paths[1], agent)


def _is_complete(http: httpx.Client, path: str, agent: dict[str, str]) -> bool:
    ended = http.get(path, headers=agent).json()["state"] == "ENDED"
    return ended and len(_texts(http, path, agent)) == _TURNS and all(map(_is_whole, _texts(http, path, agent)))


def _texts(http: httpx.Client, path: str, agent: dict[str, str]) -> list[str]:
    segments = http.get(f"{path}/transcript", headers=agent).json()["segments"]
    # The official client reads a number.
    assert all(0 <= turn["confidence"] <= 1 for turn in segments)
    return [turn["text"] for turn in segments]


def _is_whole(text: str) -> bool:
    return text.endswith((".", "?"))


def test_a_voice_has_the_fields_that_the_official_client_reads(http: httpx.Client, stack: Stack) -> None:
    agent = {"authorization": f"Bearer {stack.keys['ANIMA_AGENT_KEY']}"}
    for voice in http.get("/v1/voice/catalog", headers=agent).json()["voices"]:
        assert {"id", "name", "gender", "language", "descriptors", "useCases"} <= voice.keys()


@pytest.mark.parametrize("path", ["/callbacks/simulator/line", "/callbacks/simulator/talk"])
def test_only_the_provider_may_report(http: httpx.Client, stack: Stack, path: str) -> None:
    org_id = json.loads((stack.home / "demo.json").read_text())["ORGANIZATION_ID"]
    body = {"org_id": org_id, "call_id": "call_1", "kind": "ended", "end_reason": "completed"}
    forged = {"simulator-account": org_id, "simulator-signature": f"t={int(time.time())},v0={'0' * 64}"}
    for headers in ({}, {"simulator-account": org_id}, forged):
        answer = http.post(path, json=body, headers=headers)
        assert (answer.status_code, answer.text) == (403, "")
