"""The simulated voice provider: it knows its calls, obeys, and reports by signed callbacks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from switchboard.aws import queues
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
from switchboard.carriers.voice.simulator import SimulatedLine, SimulatedTalker, callbacks, worker
from switchboard.carriers.voice.simulator.callbacks import LINE_RECEIVER, TALK_RECEIVER, SimulatedCallback
from switchboard.kit import clock, jobs
from tests.integration.sabotage import drain_queue, run_worker

pytestmark = pytest.mark.usefixtures("cloud")

ORG, CALL, ANYBODY = "org_1", "call_1", "+14155550142"


@pytest.fixture(autouse=True)
def _at_once(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock) -> None:
    monkeypatch.setenv("SWITCHBOARD_VOICE_STEP_SECONDS", "0")


def place(to: str = ANYBODY, **changes: Any) -> Leg:
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
    placed = voice.get_simulated_carrier().place(conversation, placement)
    return Leg(ORG, CALL, placed.provider_call_id)


def play(steps: int | None = None) -> list[Report]:
    """Let so many things happen, or all, and take what is reported."""
    run_worker("workers/simulator", at_most=steps)
    return [Report.model_validate(body) for body in drain_queue("voice-events")]


def kinds(reports: list[Report]) -> list[str]:
    return [report.kind for report in reports]


def test_a_call_is_reported_from_ringing_to_its_analysis() -> None:
    leg = place()
    told = play()
    assert kinds(told) == ["ringing", "answered", *["turn"] * 7, "ended", "analyzed"]
    assert {report.provider_call_id for report in told} == {leg.provider_call_id}
    assert [report.sequence for report in told] == sorted({report.sequence or 0 for report in told})
    assert told[2].turn is not None
    assert told[2].turn.text == "Hello, this is Ada."
    assert (told[-1].outcome, told[-1].summary) == ("success", "The person had time, and confirmed.")


def test_the_line_knows_where_its_call_is_at_every_moment() -> None:
    line = SimulatedLine()
    leg = place()
    seen = [line.fetch(leg)]
    while run_worker("workers/simulator", at_most=1):
        seen.append(line.fetch(Leg(ORG, CALL)))
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
    assert line.fetch(Leg(ORG, "call_of_nobody")) is None
    assert line.fetch(Leg("org_other", CALL)) is None


def test_who_is_hung_up_says_nothing_more_and_the_talk_is_analyzed() -> None:
    leg, line = place(), SimulatedLine()
    for step in (0, 1, 2):
        worker.handle_message({"org_id": ORG, "call_id": CALL, "step": step})
    line.end(leg)
    told = play()
    assert kinds(told)[:3] == ["ringing", "answered", "turn"]
    assert sorted(kinds(told)[3:]) == ["analyzed", "ended"]


def test_hanging_up_while_it_rings_is_all_that_is_reported() -> None:
    leg, line = place(), SimulatedLine()
    line.end(leg)
    told = play()
    assert [(report.kind, report.end_reason) for report in told] == [("ended", "agent_hangup")]


def test_a_hang_up_that_was_noted_and_not_reported_is_reported_when_it_comes_again() -> None:
    leg, line = place(), SimulatedLine()
    line.end(leg)
    drain_queue("simulator")
    line.end(leg)
    assert kinds(play()) == ["ended"]


def test_nobody_speaks_for_megabytes() -> None:
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
    SimulatedTalker().open(conversation)
    SimulatedLine().place(
        Placement(org_id=ORG, call_id=CALL, from_number="+15005550006", to_number=ANYBODY, conversation_id="talk")
    )
    texts = [report.turn.text for report in play() if report.turn]
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
def test_a_command_is_reported_where_providers_report_it(command: Command, kind: list[str]) -> None:
    leg, line = place(), SimulatedLine()
    line.control(leg, command)
    told = [one for one in kinds(play()) if one in ("hold", "resumed", "transferred")]
    assert told == kind
    with pytest.raises(voice.RefusedError):
        line.control(leg, command)


def test_a_recording_is_reported_after_the_end_where_it_was_asked_for() -> None:
    place(record=True)
    assert kinds(play())[-3:] == ["ended", "recorded", "analyzed"]
    leg = place()
    SimulatedLine().control(leg, SetRecording(on=True))
    assert "recorded" in kinds(play())
    leg = place(record=True)
    SimulatedLine().control(leg, SetRecording(on=False))
    assert "recorded" not in kinds(play())


def test_the_talker_knows_what_was_said_and_what_came_of_it_once_it_is_over() -> None:
    talker = SimulatedTalker()
    assert talker.transcript(ORG, CALL, None) is None
    place()
    before = talker.transcript(ORG, CALL, None)
    assert before is not None
    assert (before.turns, before.outcome) == ((), None)
    play()
    after = talker.transcript(ORG, CALL, None)
    assert after is not None
    assert ([turn.number for turn in after.turns], after.outcome) == (list(range(7)), "success")


def test_an_unruly_provider_tells_the_same_twice_and_in_another_order() -> None:
    place("+15005550032")
    unruly = play()
    drain_queue("simulator")
    told = {(report.kind, report.sequence) for report in unruly}
    assert len(unruly) == 2 * len(told)
    assert {"hold", "resumed"} <= set(kinds(unruly))
    assert any(report.turn and not report.turn.final for report in unruly)


def test_a_step_whose_worker_was_killed_after_the_end_is_reported_when_it_comes_again() -> None:
    place()
    play()
    queues.send_messages(
        [jobs.QueueMessage(queue="simulator", body={"org_id": ORG, "call_id": CALL, "step": 9}, group=ORG)]
    )
    assert kinds(play()) == ["ended", "analyzed"]


def test_a_call_whose_time_to_ring_is_over_is_refused() -> None:
    with pytest.raises(voice.RefusedError):
        place(not_after=clock.now_iso())
    with pytest.raises(voice.RefusedError):
        place("+15005550013")


# --- callbacks --------------------------------------------------------------------------------------------------


def signed(**changes: Any) -> SimulatedCallback:
    facts = {"org_id": ORG, "call_id": CALL, "kind": "answered", "answered_by": "human"} | changes
    return callbacks.sign(Report.model_validate(facts))


def test_a_signed_callback_is_taken_and_read() -> None:
    callback = signed()
    assert LINE_RECEIVER.verify(callback) == ORG
    assert LINE_RECEIVER.read(callback) == [Report(org_id=ORG, call_id=CALL, kind="answered", answered_by="human")]


def test_what_is_not_signed_for_its_account_is_refused() -> None:
    callback = signed()
    headers = callback.headers
    for forged in (
        replace(callback, body=callback.body.replace(b"human", b"robot")),
        replace(callback, headers={**headers, "simulator-account": "org_2"}),
        replace(callback, headers={**headers, "simulator-account": "o" * 101}),
        replace(callback, headers={name: text for name, text in headers.items() if name != "simulator-signature"}),
        replace(callback, headers={name: text for name, text in headers.items() if name != "simulator-account"}),
    ):
        assert LINE_RECEIVER.verify(forged) is None


def test_an_old_callback_is_refused(frozen: clock.FrozenClock) -> None:
    callback = signed()
    frozen.advance(minutes=29)
    assert LINE_RECEIVER.verify(callback) == ORG
    frozen.advance(minutes=2)
    assert LINE_RECEIVER.verify(callback) is None


def test_a_callback_of_another_organization_or_another_path_is_unreadable() -> None:
    callback = signed()
    other = replace(callback, headers=callback.headers | {"simulator-account": "org_2"})
    said = json.dumps({"org_id": ORG, "call_id": CALL, "kind": "answered", "turn": "x"}).encode()
    with pytest.raises(UnreadableCallbackError):
        LINE_RECEIVER.read(other)
    with pytest.raises(UnreadableCallbackError):
        TALK_RECEIVER.read(callback)
    with pytest.raises(UnreadableCallbackError):
        LINE_RECEIVER.read(replace(callback, body=said))
    with pytest.raises(UnreadableCallbackError):
        LINE_RECEIVER.read(replace(callback, body=b"[]"))


def test_a_callback_that_is_not_taken_is_posted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(url: str, callback: SimulatedCallback) -> int:
        return 500

    monkeypatch.setenv("SWITCHBOARD_CALLBACKS_URL", "https://api.example.com/")
    monkeypatch.setattr(worker, "_send", refused)
    with pytest.raises(worker.CallbackRefusedError):
        worker.handle_message({"post": {"org_id": ORG, "call_id": CALL, "kind": "ringing"}})
