"""Calls in under faults: a function or a worker killed between any two AWS calls answers, charges and stores once."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from switchboard.aws import objects, queues
from switchboard.aws.reads import Query
from switchboard.calls import inbound, reports, store
from switchboard.calls.jobs import FetchRecording, ForgetRecording
from switchboard.calls.models import Call, State
from switchboard.carriers.numbers.ports.inventory import NumberSearch
from switchboard.carriers.voice.ports.reports import Recording, Report
from switchboard.carriers.voice.simulator import caller, caller_state
from switchboard.carriers.voice.simulator.caller_state import SimulatedCaller
from switchboard.carriers.voice.twilio import accounts
from switchboard.events import service as events
from switchboard.flows import assignments
from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.kit import clock
from switchboard.numbers import available
from switchboard.numbers.models import Number
from switchboard.numbers.purchases import NumberOrder
from switchboard.usage import service as usage
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage, invoke, play_calls, run_worker

pytestmark = pytest.mark.usefixtures("cloud")
CALLER, RECORDING = "+14155550142", f"RE{'1' * 32}"


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setenv("SWITCHBOARD_VOICE_STEP_SECONDS", "0")
    return tenant(concurrent_calls=100)


@pytest.fixture
def number(acme: Tenant) -> Number:
    master = acme.caller(master=True)
    flow = flows.create_flow(master, FlowSettings(name="Front desk"))
    offered = available.search_available_numbers(NumberSearch(limit=1))[0].number.e164
    return assignments.buy_number(master, NumberOrder(offered, flow_id=flow.id))


@pytest.fixture
def saboteur(number: Number) -> Sabotage:
    return Sabotage()


def sid_of(place: int) -> str:
    return f"CA{place:032x}"


def send_form(number: Number, place: int, step: str = "", **form: str) -> dict[str, Any]:
    path = f"/twilio/voice/{number.id}" + (f"/{step}" if step else "")
    usual = {"CallSid": sid_of(place), "From": CALLER, "To": number.e164, "CallStatus": "ringing"} | form
    text = f"http://localhost:8080{path}" + "".join(name + usual[name] for name in sorted(usual))
    token = accounts.simulated_token(number.org_id).encode()
    signature = base64.b64encode(hmac.digest(token, text.encode(), "sha1")).decode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    event = {
        "path": path,
        "resource": path,
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"requestId": "r", "identity": {"sourceIp": "203.0.113.9"}, "path": path},
        "body": urlencode(usual),
        "isBase64Encoded": False,
    }
    answer: dict[str, Any] = invoke("callbacks/twilio", event)
    return answer


def read_call(number: Number, place: int) -> Call:
    found = store.CALLS.get_object(number.org_id, inbound.call_id_of(number.org_id, sid_of(place)))
    assert found is not None
    return found


def count_events(call: Call, name: str) -> int:
    items = Query(table="activity", partition=events.workflow_partition(call.org_id, call.correlation_id)).read_all()
    return sum(1 for item in items if "outbox" in item and events.parse_event(item).type == name)


def test_a_function_killed_anywhere_records_and_charges_a_call_once(
    acme: Tenant, number: Number, saboteur: Sabotage
) -> None:
    with saboteur.counting() as calls:
        send_form(number, 0)
    steps = len(calls)
    for done in range(steps):
        with saboteur.killing(after=done):
            send_form(number, done + 1)
        first, again = send_form(number, done + 1), send_form(number, done + 1)
        assert first["statusCode"] == 200
        assert first["body"] == again["body"]
        assert "<Connect" in first["body"]
        assert count_events(read_call(number, done + 1), "voice.call.received") == 1
    minutes = usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["voice_basic"]
    assert minutes == steps + 1


def test_a_function_killed_after_a_talk_moves_the_call_once(acme: Tenant, number: Number, saboteur: Sabotage) -> None:
    send_form(number, 0)
    wish = {"CallStatus": "in-progress", "HandoffData": json.dumps({"voicemail": True})}
    with saboteur.counting() as calls:
        send_form(number, 0, "after-talk/0", **wish)
    for done in range(len(calls)):
        send_form(number, done + 1)
        with saboteur.killing(after=done):
            send_form(number, done + 1, "after-talk/0", **wish)
        assert "<Record" in send_form(number, done + 1, "after-talk/0", **wish)["body"]
        assert count_events(read_call(number, done + 1), "voice.call.voicemail_offered") == 1


def _recorded(number: Number, place: int) -> Call:
    """A call with a message that is reported, with its job in the queue."""
    send_form(number, place)
    call = read_call(number, place)
    caller_state.save_recording(call.org_id, sid_of(place), RECORDING, ["Call me back."])
    made = Recording(id=RECORDING, url="", duration_seconds=2, voicemail=True)
    reports.apply_report(Report(org_id=call.org_id, call_id=call.id, kind="recorded", recording=made))
    job = FetchRecording(org_id=call.org_id, call_id=call.id, recording_id=RECORDING)
    queues.send_messages([job.to_message()])
    return call


def test_a_worker_killed_while_it_fetches_stores_a_recording_once(
    acme: Tenant, number: Number, saboteur: Sabotage
) -> None:
    _recorded(number, 0)
    with saboteur.counting() as calls:
        run_worker("workers/recordings")
    for done in range(len(calls)):
        call = _recorded(number, done + 1)
        with saboteur.killing(after=done):
            run_worker("workers/recordings")
        queues.send_messages([FetchRecording(org_id=call.org_id, call_id=call.id, recording_id=RECORDING).to_message()])
        run_worker("workers/recordings")
        (found,) = read_call(number, done + 1).recordings
        assert found.key
        assert objects.read_object("recordings", found.key, 10**6, 10).content[:4] == b"RIFF"
        assert count_events(call, "voice.call.voicemail_recorded") == 1


def test_a_worker_killed_while_it_forgets_deletes_the_providers_copy(
    acme: Tenant, number: Number, saboteur: Sabotage
) -> None:
    def store_recording(place: int) -> Call:
        call = _recorded(number, place)
        run_worker("workers/recordings")
        return call

    def queue_forgetting(call: Call) -> None:
        job = ForgetRecording(org_id=call.org_id, call_id=call.id, recording_id=RECORDING)
        queues.send_messages([job.to_message()])

    queue_forgetting(store_recording(0))
    with saboteur.counting() as calls:
        run_worker("workers/recordings")
    for done in range(len(calls)):
        call = store_recording(done + 1)
        queue_forgetting(call)
        with saboteur.killing(after=done):
            run_worker("workers/recordings")
        queue_forgetting(call)
        run_worker("workers/recordings")
        assert caller_state.is_recording_forgotten(call.org_id, sid_of(done + 1), RECORDING)


def test_a_simulator_killed_anywhere_finishes_its_call(acme: Tenant, number: Number, saboteur: Sabotage) -> None:
    def start(place: int) -> None:
        person = SimulatedCaller(
            org_id=number.org_id,
            call_sid=sid_of(place),
            number_id=number.id,
            from_number=CALLER,
            to_number=number.e164,
            says=["Hello.", "Goodbye."],
        )
        caller.start_call(person)

    start(0)
    with saboteur.counting() as calls:
        run_worker("workers/simulator")
    for done in range(0, len(calls), 3):
        start(done + 1)
        with saboteur.killing(after=done):
            run_worker("workers/simulator")
        person = caller_state.get_caller(number.org_id, sid_of(done + 1))
        assert person is not None
        # The queue brings the message of the killed worker again.
        caller.queue_step(person)
        play_calls()
        call = read_call(number, done + 1)
        assert call.state in (State.COMPLETED, State.ENDING), done
        spoken = [turn.text for turn in store.list_turns(call.org_id, call.id) if turn.speaker == "caller"]
        assert spoken == ["Hello.", "Goodbye."], done
