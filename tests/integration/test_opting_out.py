"""A called person who opts out is not called by any API again: over HTTP, against the whole stack."""

from __future__ import annotations

import time
import uuid

import httpx
import pytest

from tests.conftest import Stack

CALL = {"tier": "basic", "metadata": {"consent_source": "business-relationship"}}


@pytest.mark.parametrize(("number", "source"), [("+15005550030", "spoken"), ("+15005550031", "key_press")])
def test_after_an_opt_out_in_a_call_every_api_refuses_the_number(
    http: httpx.Client, stack: Stack, number: str, source: str
) -> None:
    master = {"authorization": f"Bearer {stack.keys['ANIMA_MASTER_KEY']}"}
    agent = {"authorization": f"Bearer {stack.keys['ANIMA_AGENT_KEY']}"}
    http.delete(f"/v1/compliance/opt-outs/{number}", headers=master)
    placed = http.post("/v1/voice/calls", json=CALL | {"to": number}, headers=agent)
    assert placed.status_code == 200, placed.text
    call = f"/v1/voice/calls/{placed.json()['callId']}"
    try:
        deadline = time.monotonic() + 60
        while http.get(call, headers=agent).json()["optedOutAt"] is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        # The ledger stores it together with the words: no wait is needed.
        again = http.post("/v1/voice/calls", json=CALL | {"to": number}, headers=agent)
        assert (again.status_code, again.json()["details"]["reason"]) == (403, "opted_out")
        opticomm = http.post(
            "/functions/v1/external-api",
            headers={"x-api-key": stack.keys["OPTICOMM_TEST_KEY"]},
            json={
                "action": "initiate_call",
                "agent_id": stack.keys["OPTICOMM_AGENT_ID"],
                "phone_number": number,
                "request_id": str(uuid.uuid4()),
            },
        )
        assert (opticomm.status_code, opticomm.json()["error"]) == (403, "PHONE_ON_DNC")
        entries = http.get("/v1/compliance/opt-outs", params={"limit": 100}, headers=master).json()["items"]
        assert [one["source"] for one in entries if one["e164"] == number] == [source]
        while (ended := http.get(call, headers=agent).json())["state"] != "ENDED":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert ended["endReason"] == "agent_hangup"
    finally:
        assert http.delete(f"/v1/compliance/opt-outs/{number}", headers=master).status_code == 200
