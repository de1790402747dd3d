"""Machines that answer calls out: their message, the hang-up, and people whom the detection took for a machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import pytest

from switchboard.calls import console, outbound_scripts, reports, scripts, store, talks
from switchboard.calls.jobs import HangUpMachine
from switchboard.calls.models import Call
from switchboard.calls.outbound_scripts import MESSAGE_TURN
from switchboard.carriers.voice.ports.reports import EndReason, Report, Turn
from switchboard.carriers.voice.simulator import state
from switchboard.team.permissions import Role
from tests.actors import Tenant, member
from tests.integration.sabotage import run_worker
from tests.unit.calls.calls_in import apply_reports, names_of
from tests.unit.calls.calls_out import CallsOut, calls_out, run_dialer_jobs
from tests.unit.calls.console_calls import save_flow
from tests.unit.calls.live_calls import read_call

#: A number of a colleague, and the number where a simulated machine answers.
SALES, MACHINE = "+14155550143", "+15005550012"
World = Callable[..., AbstractContextManager[CallsOut]]

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("SWITCHBOARD_NATIONAL_REGISTRY", "simulator")
    return partial(calls_out, monkeypatch)


def answer(out: CallsOut) -> Call:
    """Returns a call that was answered and talks."""
    call = out.place()
    out.tell(call, "answered")
    out.phone_of(call).ask()
    out.phone_of(call).call["status"] = "in-progress"
    return out.read(call)


def detect(out: CallsOut, call: Call, word: str) -> str:
    """Reports who answered, runs the jobs, and returns the status of the line."""
    out.phone_of(call).tell("AsyncAmdStatusCallback", AnsweredBy=word)
    apply_reports()
    run_dialer_jobs()
    return str(out.phone_of(call).call["status"])


def say(call: Call, text: str, *, speaker: str = "caller", final: bool = True) -> None:
    turn = Turn(number=1, speaker=speaker, text=text, start_ms=0, end_ms=900, final=final)
    reports.apply_report(Report(org_id=call.org_id, call_id=call.id, kind="turn", turn=turn))


def press(call: Call, digits: str) -> None:
    reports.apply_report(Report(org_id=call.org_id, call_id=call.id, kind="dtmf", digits=digits))


@pytest.mark.parametrize("word", ["machine_start", "machine_end_beep", "fax"])
def test_a_machine_is_hung_up_if_the_flow_leaves_no_message(world: World, word: str) -> None:
    with world() as out:
        call = answer(out)
        say(call, "Hello, this is", speaker="agent")
        say(call, "You have", final=False)
        assert detect(out, call, word) == "completed"
        ended = out.tell(call, "completed")
        assert (ended.end_reason, ended.answered_by, ended.message_left_at) == (EndReason.VOICEMAIL, word, None)


@pytest.mark.parametrize("word", ["human", "unknown"])
def test_a_person_is_not_hung_up(world: World, word: str) -> None:
    with world() as out:
        assert detect(out, answer(out), word) == "in-progress"


def test_a_person_who_spoke_is_no_machine(world: World) -> None:
    with world() as out:
        call = answer(out)
        say(call, "Yes, this is Bob.")
        assert detect(out, call, "machine_start") == "in-progress"


@pytest.mark.parametrize("word", ["machine_start", "machine_end_beep"])
def test_a_transfer_is_not_cut_off_by_the_detection(world: World, word: str) -> None:
    with world(transfer_map={"sales": SALES}, voicemail_leave_message="Call us.") as out:
        call = answer(out)
        phone = out.phone_of(call)
        *_, connect = phone.ask()
        *_, dial = phone.ask(connect["action"], HandoffData=json.dumps({"transfer": "sales"}))
        assert dial["nouns"][0]["text"] == SALES
        assert detect(out, call, word) == "in-progress"
        assert phone.call.get("url") is None
        assert names_of(phone.ask(f"{phone.call['given']['Url']}/message")) == ["Hangup"]
        outbound_scripts.hang_up_machine(call.org_id, call.id)
        assert phone.call["status"] == "in-progress"


def test_a_transfer_that_begins_after_the_detection_is_not_cut_off(world: World) -> None:
    with world(transfer_map={"sales": SALES}, voicemail_leave_message="Call us.") as out:
        call = answer(out)
        phone = out.phone_of(call)
        phone.tell("AsyncAmdStatusCallback", AnsweredBy="machine_end_silence")
        apply_reports()
        *_, connect = phone.ask()
        phone.ask(connect["action"], HandoffData=json.dumps({"transfer": "sales"}))
        run_dialer_jobs()
        assert phone.call.get("url") is None
        assert out.read(call).message_left_at is None


def test_whoever_opted_out_hears_nothing_more(world: World) -> None:
    with world(voicemail_leave_message="Call us.") as out:
        call = answer(out)
        press(call, "9")
        phone = out.phone_of(call)
        phone.tell("AsyncAmdStatusCallback", AnsweredBy="machine_end_other")
        apply_reports()
        outbound_scripts.leave_message(call.org_id, call.id)
        assert phone.call.get("url") is None
        assert names_of(phone.ask(f"{phone.call['given']['Url']}/message")) == ["Hangup"]
        assert names_of(phone.ask()) == ["Hangup"]
        assert out.read(call).message_left_at is None


def test_the_call_is_read_again_when_the_message_begins(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(voicemail_leave_message="Call us.") as out:
        call = answer(out)
        find_message = talks.find_machine_message

        def opts_out_meanwhile(*given: object) -> str | None:
            press(call, "9")
            return find_message(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(talks, "find_machine_message", opts_out_meanwhile)
        assert outbound_scripts.begin_message(call) == scripts.HANG_UP
        assert out.read(call).message_left_at is None


def test_the_message_is_a_turn_of_the_agent(world: World) -> None:
    with world(voicemail_leave_message="Your appointment is on Monday.") as out:
        call = answer(out)
        detect(out, call, "machine_end_beep")
        phone = out.phone_of(call)
        said, _ = phone.ask(phone.call["url"])
        assert phone.ask(phone.call["url"])[0] == said, "asked again"
        (turn,) = store.list_turns(call.org_id, call.id)
        assert (turn.speaker, turn.text, turn.final) == ("agent", said["text"], True)


def test_a_message_names_the_caller_first_and_the_number_to_call(world: World) -> None:
    with world(voicemail_leave_message="Your appointment is on Monday.") as out:
        call = answer(out)
        detect(out, call, "machine_end_beep")
        said, _ = out.phone_of(call).ask(out.phone_of(call).call["url"])
        name = out.backend.company.caller().organization.name
        assert said["text"] == (
            f"This is an artificial voice calling for {name}. Your appointment is on Monday."
            " Our telephone number is 4 1 5, 5 5 5, 2 6 7 1."
        )


def test_a_message_that_sells_has_a_toll_free_number_and_no_key(world: World) -> None:
    text = "We have a sale. Call 800-555-0199 to get no more calls."
    with world(purpose="telemarketing", voicemail_leave_message=text) as out:
        call = answer(out)
        detect(out, call, "machine_end_beep")
        said, _ = out.phone_of(call).ask(out.phone_of(call).call["url"])
        assert said["text"].endswith(f". {text}")
        assert "press" not in said["text"]


def test_a_message_that_sells_without_a_toll_free_number_is_not_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchboard.flows.rules.find_message_problem", lambda _: None)  # a flow of before the rule
    with world(purpose="telemarketing", voicemail_leave_message="We have a sale. Call 415 555 2671.") as out:
        call = answer(out)
        assert out.phone_of(call).call["given"]["MachineDetection"] == "Enable"
        assert detect(out, call, "machine_start") == "completed"
        assert out.phone_of(call).call.get("url") is None


def test_an_interrupted_hang_up_job_may_come_again(world: World) -> None:
    with world() as out:
        call = answer(out)
        detect(out, call, "machine_start")
        out.tell(call, "completed")
        job = HangUpMachine(org_id=call.org_id, call_id=call.id)
        sent = len(out.twilio.requests)
        outbound_scripts.hang_up_machine(job.org_id, job.call_id)
        assert len(out.twilio.requests) == sent


@pytest.mark.parametrize("message", [None, "See you on Monday."])
def test_a_simulated_machine_ends_like_a_real_one(acme: Tenant, message: str | None) -> None:
    flow = save_flow(acme.org_id, voicemail_leave_message=message)
    call = console.place_test_call(member(acme.org_id, Role.ADMIN), flow.id, MACHINE, simulated=True)
    while not read_call(call).is_over:
        run_dialer_jobs()
        run_worker("workers/simulator", at_most=1)
        run_worker("workers/voice_events")
    ended = read_call(call)
    assert (ended.end_reason, ended.message_left_at is not None) == (EndReason.VOICEMAIL, message is not None)
    leg = state.get_leg(call.org_id, call.id)
    assert leg is not None
    assert leg.hung_up, "our side ended the call, not its course"
    left = [turn.text for turn in store.list_turns(call.org_id, call.id) if turn.number == MESSAGE_TURN]
    if message is None:
        assert left == []
    else:
        assert [message in text for text in left] == [True]
