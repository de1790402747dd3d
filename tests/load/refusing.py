"""The time from "please don't call me again" to the refusal by every API that calls: over the whole local stack.

A report of the turn goes to the queue of voice events, as a provider's report does, while the test keeps asking both
APIs to call the same number. The time ends with the first refusal of each. It includes the reports' worker, the commit
and the gate's reads.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from infra.local import aws
from switchboard.carriers.voice.ports.reports import Report, Turn
from tests.conftest import Stack, stack_in
from tests.load import report

TARGET_SECONDS, TIMES = 1.0, 20
#: Long enough for a call to be answered, and for a refusal that comes far too late.
_PATIENCE = 60.0
#: The pause between two requests to one API.
_PAUSE = 0.01
#: Numbers that reach nobody, so that they may be called at any hour.
_NUMBERS = [f"+141555501{number}" for number in range(50, 50 + TIMES)]

Refused = Callable[[str], bool]


def measure() -> None:
    """Print the time that each API takes to refuse a number, from the report of the turn."""
    with (
        TemporaryDirectory() as folder,
        stack_in(Path(folder)) as stack,
        httpx.Client(base_url=stack.url, timeout=30) as http,
    ):
        apis = {"Anima": _anima(http, stack), "OptiComm": _opticomm(http, stack)}
        taken = [_taken(http, stack, number, apis) for number in _NUMBERS]
    report.table(
        f'From "please don\'t call me again" to the refusal, over the local stack, {TIMES} calls'
        f" (target: {TARGET_SECONDS:g} s at the most)",
        ("API", "median s", "worst s", "target"),
        [
            *(_row(name, [one[name] for one in taken]) for name in apis),
            ("HUM", "has no operation yet that calls a number", "", ""),
            ("Athos", "has no operation that calls a number", "", ""),
        ],
    )
    worst = max(seconds for one in taken for seconds in one.values())
    report.at_most("a wish to stop, until both APIs refuse, worst", worst, "s", TARGET_SECONDS)


def _row(name: str, seconds: list[float]) -> tuple[object, ...]:
    return name, f"{median(seconds):.3f}", f"{max(seconds):.3f}", report.met(max(seconds) <= TARGET_SECONDS)


def _agent(stack: Stack) -> dict[str, str]:
    return {"authorization": f"Bearer {stack.keys['ANIMA_AGENT_KEY']}"}


def _order(number: str) -> dict[str, Any]:
    return {"to": number, "tier": "basic", "metadata": {"consent_source": "business-relationship"}}


def _anima(http: httpx.Client, stack: Stack) -> Refused:
    def refused(number: str) -> bool:
        answer = http.post("/v1/voice/calls", json=_order(number), headers=_agent(stack))
        return answer.status_code == 403 and answer.json()["details"]["reason"] == "opted_out"

    return refused


def _opticomm(http: httpx.Client, stack: Stack) -> Refused:
    def refused(number: str) -> bool:
        wanted = {
            "action": "initiate_call",
            "agent_id": stack.keys["OPTICOMM_AGENT_ID"],
            "phone_number": number,
            "request_id": str(uuid.uuid4()),
        }
        headers = {"x-api-key": stack.keys["OPTICOMM_TEST_KEY"]}
        answer = http.post("/functions/v1/external-api", json=wanted, headers=headers)
        return answer.status_code == 403 and answer.json()["error"] == "PHONE_ON_DNC"

    return refused


def _taken(http: httpx.Client, stack: Stack, number: str, apis: dict[str, Refused]) -> dict[str, float]:
    """The seconds until each API refuses a number whose holder says stop."""
    call = _talking(http, stack, number)
    with ThreadPoolExecutor(len(apis)) as pool:
        began = time.perf_counter()
        asking = {name: pool.submit(_until, refused, number, began) for name, refused in apis.items()}
        _say_stop(stack, call)
        return {name: future.result() for name, future in asking.items()}


def _talking(http: httpx.Client, stack: Stack, number: str) -> dict[str, Any]:
    """A call with a number that is answered."""
    placed = http.post("/v1/voice/calls", json=_order(number), headers=_agent(stack))
    assert placed.status_code == 200, placed.text
    deadline = time.monotonic() + _PATIENCE
    while True:
        call: dict[str, Any] = http.get(f"/v1/voice/calls/{placed.json()['callId']}", headers=_agent(stack)).json()
        if call["state"] == "ACTIVE":
            return call
        assert time.monotonic() < deadline, call
        time.sleep(0.05)


def _say_stop(stack: Stack, call: dict[str, Any]) -> None:
    environ = json.loads((stack.home / "environ.json").read_text())
    text = "Please don't call me again."
    turn = Turn(number=99, speaker="caller", text=text, start_ms=9_000, end_ms=9_900)
    told = Report(org_id=stack.keys["ORGANIZATION_ID"], call_id=call["id"], kind="turn", turn=turn)
    url = environ["SWITCHBOARD_QUEUE_VOICE_EVENTS"]
    aws.engine_client(environ, "sqs").send_message(QueueUrl=url, MessageBody=told.model_dump_json())


def _until(refused: Refused, number: str, began: float) -> float:
    deadline = time.monotonic() + _PATIENCE
    while not refused(number):
        assert time.monotonic() < deadline, "the API did not refuse the number in time"
        time.sleep(_PAUSE)
    return time.perf_counter() - began
