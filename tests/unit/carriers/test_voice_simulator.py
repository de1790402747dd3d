"""The simulated voice provider: it stores its calls, follows commands, and reports by signed callbacks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from switchboard.aws import queues
from switchboard.calls import task_context
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.line import (
    Command,
    Hold,
    Leg,
    Placement,
    Resume,
    SendDigits,
    SetRecording,
    Transfer,
)
from switchboard.carriers.voice.ports.reports import Report, UnreadableCallbackError
from switchboard.carriers.voice.simulator import SimulatedLine, SimulatedTalker, callbacks, course, worker
from switchboard.carriers.voice.simulator.callbacks import LINE_RECEIVER, TALK_RECEIVER, SimulatedCallback
from switchboard.carriers.voice.simulator.forms import CallbackRefusedError
from switchboard.kit import clock, jobs
from tests.integration.sabotage import drain_queue, run_worker

pytestmark = pytest.mark.usefixtures("cloud")

ORG, CALL, ANYBODY = "org_1", "call_1", "+14155550142"


@pytest.fixture(autouse=True)
def _at_once(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock) -> None:
    monkeypatch.setenv("SWITCHBOARD_VOICE_STEP_SECONDS", "0")


def place_call(to: str = ANYBODY, **changes: Any) -> Leg:
    conversation = voice.Conversation(
        org_id=ORG,
        call_id=CALL,
        to_number=to,
        voice_id="switchboard:ada",
        greeting="Hello, this is {{name}}.",
        agent_name="Ada",
        opt_out_key="9",
        variables={"name": "Ada"},
    )
    placement = Placement(org_id=ORG, call_id=CALL, from_number="+15005550006", to_number=to, **changes)
    placed = voice.get_simulated_carrier().place_call(conversation, placement)
    return Leg(ORG, CALL, placed.provider_call_id)


def play_steps(steps: int | None = None) -> list[Report]:
    """Let the provider do a number of steps, or all of them. Returns its reports."""
    run_worker("workers/simulator", at_most=steps)
    return [Report.model_validate(body) for body in drain_queue("voice-events")]


def report_kinds(reports: list[Report]) -> list[str]:
    return [report.kind for report in reports]


def test_a_call_is_reported_from_ringing_to_analysis() -> None:
    leg = place_call()
    told = play_steps()
    assert report_kinds(told) == ["ringing", "answered", *["turn"] * 7, "ended", "analyzed"]
    assert {report.provider_call_id for report in told} == {leg.provider_call_id}
    assert [report.sequence for report in told] == sorted({report.sequence or 0 for report in told})
    assert told[2].turn is not None
    assert told[2].turn.text == "Hello, this is Ada."
    assert (told[-1].outcome, told[-1].summary) == ("success", "The person had time, and confirmed.")


def test_the_line_knows_the_state_of_its_call_at_every_time() -> None:
    line = SimulatedLine()
    leg = place_call()
    seen = [line.fetch_call(leg)]
    while run_worker("workers/simulator", at_most=1):
        seen.append(line.fetch_call(Leg(ORG, CALL)))
    known = [found for found in seen if found]
    assert len(known) == len(seen)
    assert not known[0].answered
    assert [found.over for found in known] == sorted(found.over for found in known)
    last = known[-1]
    assert (last.over, last.answered, last.end_reason, last.provider_call_id) == (
        True,
        True,
        "completed",
        leg.provider_call_id,
    )
    assert line.fetch_call(Leg(ORG, "call_of_nobody")) is None
    assert line.fetch_call(Leg("org_other", CALL)) is None


def test_a_hung_up_call_has_no_more_turns_and_is_analyzed() -> None:
    leg, line = place_call(), SimulatedLine()
    for step in (0, 1, 2):
        worker.handle_message({"org_id": ORG, "call_id": CALL, "step": step})
    line.end_call(leg)
    told = play_steps()
    assert report_kinds(told)[:3] == ["ringing", "answered", "turn"]
    assert sorted(report_kinds(told)[3:]) == ["analyzed", "ended"]


def test_hanging_up_while_ringing_reports_only_the_end() -> None:
    leg, line = place_call(), SimulatedLine()
    line.end_call(leg)
    told = play_steps()
    assert [(report.kind, report.end_reason) for report in told] == [("ended", "agent_hangup")]


def test_a_recorded_but_unreported_hang_up_is_reported_on_the_second_attempt() -> None:
    leg, line = place_call(), SimulatedLine()
    line.end_call(leg)
    drain_queue("simulator")
    line.end_call(leg)
    assert report_kinds(play_steps()) == ["ended"]


def test_the_length_of_a_turn_is_limited() -> None:
    conversation = voice.Conversation(
        org_id=ORG,
        call_id=CALL,
        to_number=ANYBODY,
        voice_id="switchboard:ada",
        greeting="{{a}}" * 400,
        agent_name="Ada",
        opt_out_key="9",
        variables={"a": "x" * 16_000},
    )
    SimulatedTalker().open_talk(conversation)
    SimulatedLine().place_call(
        Placement(org_id=ORG, call_id=CALL, from_number="+15005550006", to_number=ANYBODY, conversation_id="talk")
    )
    texts = [report.turn.text for report in play_steps() if report.turn]
    assert max(map(len, texts)) == 5_000


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (Hold(), ["hold"]),
        (Resume(), ["resumed"]),
        (Transfer("+14155550177"), ["transferred"]),
        (SendDigits("1"), []),
        (SetRecording(on=True), []),
    ],
)
def test_a_command_is_reported_as_providers_do(command: Command, kind: list[str]) -> None:
    leg, line = place_call(), SimulatedLine()
    line.control_call(leg, command)
    told = [one for one in report_kinds(play_steps()) if one in ("hold", "resumed", "transferred")]
    assert told == kind
    with pytest.raises(voice.RefusedError):
        line.control_call(leg, command)


def test_a_requested_recording_is_reported_after_the_end() -> None:
    place_call(record=True)
    assert report_kinds(play_steps())[-3:] == ["ended", "recorded", "analyzed"]
    leg = place_call()
    SimulatedLine().control_call(leg, SetRecording(on=True))
    assert "recorded" in report_kinds(play_steps())
    leg = place_call(record=True)
    SimulatedLine().control_call(leg, SetRecording(on=False))
    assert "recorded" not in report_kinds(play_steps())


def test_the_talker_returns_transcript_and_outcome_after_the_end() -> None:
    talker = SimulatedTalker()
    assert talker.fetch_transcript(ORG, CALL, None) is None
    place_call()
    before = talker.fetch_transcript(ORG, CALL, None)
    assert before is not None
    assert (before.turns, before.outcome) == ((), None)
    play_steps()
    after = talker.fetch_transcript(ORG, CALL, None)
    assert after is not None
    assert ([turn.number for turn in after.turns], after.outcome) == (list(range(7)), "success")


def test_an_unreliable_provider_repeats_and_reorders_reports() -> None:
    place_call("+15005550032")
    unruly = play_steps()
    drain_queue("simulator")
    told = {(report.kind, report.sequence) for report in unruly}
    assert len(unruly) == 2 * len(told)
    assert {"hold", "resumed"} <= set(report_kinds(unruly))
    assert any(report.turn and not report.turn.final for report in unruly)


def test_an_end_that_is_due_before_the_other_steps_reports_them_first() -> None:
    place_call()
    # After a standstill of the queue all steps are due, and two workers take them in any order.
    worker.handle_message({"org_id": ORG, "call_id": CALL, "step": 5})
    worker.handle_message({"org_id": ORG, "call_id": CALL, "step": 9})

    told = play_steps()

    assert [*dict.fromkeys(report_kinds(told))] == ["turn", "ringing", "answered", "ended", "analyzed"]
    assert {report.turn.number for report in told if report.turn} == set(range(7))


def test_a_killed_step_after_the_end_is_reported_on_the_second_attempt() -> None:
    place_call()
    play_steps()
    queues.send_messages(
        [jobs.QueueMessage(queue="simulator", body={"org_id": ORG, "call_id": CALL, "step": 9}, group=ORG)]
    )
    assert report_kinds(play_steps()) == ["ended", "analyzed"]


def test_a_call_whose_ring_time_has_passed_is_refused() -> None:
    with pytest.raises(voice.RefusedError):
        place_call(not_after=clock.now_iso())
    with pytest.raises(voice.RefusedError):
        place_call("+15005550013")


def sign_callback(**changes: Any) -> SimulatedCallback:
    facts = {"org_id": ORG, "call_id": CALL, "kind": "answered", "answered_by": "human"} | changes
    return callbacks.sign(Report.model_validate(facts))


def test_a_signed_callback_is_accepted_and_parsed() -> None:
    callback = sign_callback()
    assert LINE_RECEIVER.verify_signature(callback) == ORG
    assert LINE_RECEIVER.read_reports(callback) == [
        Report(org_id=ORG, call_id=CALL, kind="answered", answered_by="human")
    ]


def test_a_callback_that_is_not_signed_for_its_account_is_refused() -> None:
    callback = sign_callback()
    headers = callback.headers
    for forged in (
        replace(callback, body=callback.body.replace(b"human", b"robot")),
        replace(callback, headers={**headers, "simulator-account": "org_2"}),
        replace(callback, headers={**headers, "simulator-account": "o" * 101}),
        replace(callback, headers={name: text for name, text in headers.items() if name != "simulator-signature"}),
        replace(callback, headers={name: text for name, text in headers.items() if name != "simulator-account"}),
    ):
        assert LINE_RECEIVER.verify_signature(forged) is None


def test_an_old_callback_is_refused(frozen: clock.FrozenClock) -> None:
    callback = sign_callback()
    frozen.advance(minutes=29)
    assert LINE_RECEIVER.verify_signature(callback) == ORG
    frozen.advance(minutes=2)
    assert LINE_RECEIVER.verify_signature(callback) is None


def test_a_callback_of_another_organization_or_another_path_is_invalid() -> None:
    callback = sign_callback()
    other = replace(callback, headers=callback.headers | {"simulator-account": "org_2"})
    said = json.dumps({"org_id": ORG, "call_id": CALL, "kind": "answered", "turn": "x"}).encode()
    with pytest.raises(UnreadableCallbackError):
        LINE_RECEIVER.read_reports(other)
    with pytest.raises(UnreadableCallbackError):
        TALK_RECEIVER.read_reports(callback)
    with pytest.raises(UnreadableCallbackError):
        LINE_RECEIVER.read_reports(replace(callback, body=said))
    with pytest.raises(UnreadableCallbackError):
        LINE_RECEIVER.read_reports(replace(callback, body=b"[]"))


def test_a_refused_callback_is_posted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse_callback(url: str, callback: SimulatedCallback) -> int:
        return 500

    monkeypatch.setenv("SWITCHBOARD_CALLBACKS_URL", "https://api.example.com/")
    monkeypatch.setattr(worker, "_send", refuse_callback)
    with pytest.raises(CallbackRefusedError):
        worker.handle_message({"post": {"org_id": ORG, "call_id": CALL, "kind": "ringing"}})


@pytest.mark.parametrize("prompt", ["Confirm the appointment.", "", None])
def test_the_task_context_of_a_prompt_is_not_read_out(prompt: str | None) -> None:
    context = {"order": 1815, "notes": "line\n# Task context\n" * 30}
    conversation = voice.Conversation(
        org_id=ORG,
        call_id=CALL,
        to_number=ANYBODY,
        voice_id="switchboard:ada",
        greeting="Hello.",
        agent_name="Ada",
        opt_out_key="9",
        prompt=task_context.render_prompt(prompt, context),
        variables=task_context.context_variables({"order": 1815}),
    )
    spoken = " ".join(text for _, text in course.write_script(conversation).lines)
    assert "My notes say: order is 1815." in spoken
    assert (prompt or "I only want to confirm") in spoken
    assert not any(word in spoken for word in ("Task context", "<task_context>", "The JSON", "{"))
