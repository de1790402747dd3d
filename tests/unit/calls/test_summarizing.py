"""Summaries of calls: by a model and by rules, once, with the outcome by the flow's schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from switchboard.aws import clients
from switchboard.call_records.models import CallRow
from switchboard.calls import console, dialing, ending, outbound_scripts, store, summaries, summarizing
from switchboard.calls.models import Call, CallerMessageState, State
from switchboard.calls.summaries import CallSummary
from switchboard.calls.summarizers.models import TalkSummary
from switchboard.calls.summarizers.rules import RuleSummarizer
from switchboard.carriers.language.answers import ATTEMPTS
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.dialects.hum.call_views import row_fields
from switchboard.flows import changes as flow_changes
from switchboard.flows.models import Flow
from switchboard.kit import clock
from switchboard.kit.texts import MAX_JSON_DEPTH
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, system
from tests.fakes.bedrock import BedrockRuntime
from tests.unit.call_records.desk import save_call
from tests.unit.calls.console_calls import ADA, ask_as, place, save_flow
from tests.unit.calls.live_calls import list_actions, read_call, report_progress, report_turn

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

SCHEMA = {
    "type": "object",
    "properties": {"outcome": {"enum": ["booked", "declined"]}, "score": {"type": "integer", "maximum": 5}},
    "required": ["outcome"],
}
SPOKEN = ("Hello, this is Ada speaking.", "I want to be booked on Monday. Thanks!")
ANSWER = {
    "tldr": "Ada booked Monday.",
    "key_points": ["Monday suits her."],
    "next_actions": ["Send a confirmation."],
    "sentiment": "positive",
    "outcome": {"outcome": "booked"},
}
THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "Converse")
REFUSED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "Converse")
Model = Callable[..., BedrockRuntime]


@pytest.fixture
def ada(acme: Tenant) -> Member:
    return member(acme.org_id, Role.OPERATOR)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    """Configures a language model with its answers."""

    def configure(*answers: Any) -> BedrockRuntime:
        runtime = BedrockRuntime(*answers)
        monkeypatch.setenv("SWITCHBOARD_LANGUAGE_MODEL", "bedrock")
        monkeypatch.setenv("SWITCHBOARD_BEDROCK_MODEL", "test-model")
        real = clients.get_client
        monkeypatch.setattr(
            clients, "get_client", lambda service: runtime if service == "bedrock-runtime" else real(service)
        )
        return runtime

    return configure


def talk(member: Member, *spoken: str, flow: Flow | None = None, answered_by: str = "human") -> Call:
    """Places a call, lets the caller speak, and ends it. Some seconds pass."""
    call = place(member, flow or save_flow(member.org_id, outcome_schema=SCHEMA))
    return finish(call, *spoken, answered_by=answered_by)


def finish(call: Call, *spoken: str, answered_by: str = "human") -> Call:
    dialing.dial_call(call.org_id, call.id)
    report_progress(call, "answered", answered_by=answered_by)
    report_turn(call, "Hello from the agent.", speaker="agent", number=0)
    for number, text in enumerate(spoken, 1):
        report_turn(call, text, number=number)
    report_progress(call, "ended", end_reason=EndReason.COMPLETED, duration_seconds=30)
    return read_call(call)


def summarize(call: Call, frozen: clock.FrozenClock) -> CallSummary | None:
    frozen.advance(seconds=6)
    summarizing.summarize_call(call.org_id, call.id)
    return summaries.get_summary(call.org_id, call.id)


def test_a_model_summarizes_a_talk_and_finds_its_outcome(
    acme: Tenant, ada: Member, model: Model, frozen: clock.FrozenClock
) -> None:
    runtime = model(ANSWER)
    call = talk(ada, *SPOKEN)
    found = summarize(call, frozen)
    assert found is not None
    assert (found.tldr, found.key_points) == ("Ada booked Monday.", ["Monday suits her."])
    assert (found.next_actions, found.sentiment) == (["Send a confirmation."], "positive")
    assert (found.outcome_data, found.outcome_valid, found.outcome_errors) == ({"outcome": "booked"}, True, [])
    assert (found.made_by, found.turns) == ("bedrock:test-model", 3)
    after = read_call(call)
    assert (after.summary, after.outcome) == ("Ada booked Monday.", "booked")
    assert {"voice.call.summarized", "voice.call.outcome_captured"} <= set(list_actions(acme))
    [asked] = runtime.asked
    question = json.loads(asked["messages"][0]["content"][0]["text"])
    assert question["transcript"][1] == {"speaker": "person", "text": SPOKEN[0]}
    assert question["outcome_schema"] == SCHEMA
    assert SPOKEN[0] not in asked["system"][0]["text"], "a stranger's words are data"


def test_a_second_run_asks_nothing_and_changes_nothing(ada: Member, model: Model, frozen: clock.FrozenClock) -> None:
    runtime = model(ANSWER)
    call = talk(ada, *SPOKEN)
    first = summarize(call, frozen)
    before = read_call(call)
    assert summarize(call, frozen) == first
    assert (len(runtime.asked), read_call(call)) == (1, before)


@pytest.mark.parametrize(
    ("outcome", "problem"),
    [
        ({"outcome": "sold"}, 'outcome: must be one of "booked", "declined"'),
        ({}, "outcome: is missing"),
        (None, "outcome: is missing"),
        ({"outcome": "booked", "score": 7}, "score: is too large: send at most 5"),
    ],
)
def test_an_outcome_that_does_not_fit_is_kept_and_marked(
    ada: Member, model: Model, frozen: clock.FrozenClock, outcome: dict[str, Any] | None, problem: str
) -> None:
    model(ANSWER | {"outcome": outcome})
    call = talk(ada, *SPOKEN)
    found = summarize(call, frozen)
    assert found is not None
    assert (found.outcome_data, found.outcome_valid, found.outcome_errors) == (outcome or {}, False, [problem])
    assert read_call(call).outcome is None


def test_an_outcome_that_is_too_large_is_not_kept(ada: Member, model: Model, frozen: clock.FrozenClock) -> None:
    model(ANSWER | {"outcome": {"outcome": "booked", "note": "x" * summarizing.MAX_OUTCOME_CHARACTERS}})
    found = summarize(talk(ada, *SPOKEN), frozen)
    assert found is not None
    assert (found.outcome_data, found.outcome_valid, found.outcome_errors) == ({}, False, ["was too large to keep"])


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"outcome": "booked"}
    for _ in range(levels - 1):
        value = {"outcome": "booked", "a": value}
    return value


@pytest.mark.parametrize("levels", [MAX_JSON_DEPTH + 1, 100, 252, 253, 254, 255, 260, 900])
def test_an_outcome_that_is_too_deep_is_asked_for_again(
    ada: Member, model: Model, frozen: clock.FrozenClock, levels: int
) -> None:
    runtime = model(ANSWER | {"outcome": nested(levels)}, ANSWER)
    call = talk(ada, *SPOKEN)
    found = summarize(call, frozen)
    assert found is not None
    assert (found.outcome_data, len(runtime.asked)) == ({"outcome": "booked"}, 2)
    assert ask_as(ada, "hum/calls")("GET", f"/api/calls/{call.id}")[0] == 200


def test_the_deepest_outcome_is_kept(ada: Member, model: Model, frozen: clock.FrozenClock) -> None:
    model(ANSWER | {"outcome": nested(MAX_JSON_DEPTH)})
    call = talk(ada, *SPOKEN)
    found = summarize(call, frozen)
    assert found is not None
    assert (found.outcome_data, found.outcome_valid) == (nested(MAX_JSON_DEPTH), True)
    _, body = ask_as(ada, "hum/calls")("GET", f"/api/calls/{call.id}")
    assert body["outcome_data"] == nested(MAX_JSON_DEPTH)


def test_a_deep_outcome_of_any_summarizer_is_not_kept(
    ada: Member, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> None:
    deep = TalkSummary("Ada booked Monday.", [], [], "neutral", nested(MAX_JSON_DEPTH + 1))
    monkeypatch.setattr(RuleSummarizer, "summarize", lambda *_: deep)
    found = summarize(talk(ada, *SPOKEN), frozen)
    assert found is not None
    assert (found.outcome_data, found.outcome_errors) == ({}, ["was nested too deeply to keep"])


@pytest.mark.parametrize(
    ("part", "number"),
    [
        ({"type": "number", "multipleOf": 0.5}, 10**400),
        ({"type": "number", "multipleOf": 7}, 1e308),
        ({"type": "number", "multipleOf": 10**400}, 1.5),
        ({"type": "number", "maximum": 1.5}, 10**400),
        ({"type": "number"}, 10**4000),
    ],
)
def test_long_numbers_in_an_outcome_stop_no_summary(
    ada: Member, model: Model, frozen: clock.FrozenClock, part: dict[str, Any], number: float
) -> None:
    model(ANSWER | {"outcome": {"outcome": "booked", "amount": number}})
    schema = {"type": "object", "properties": {"amount": part}}
    call = talk(ada, *SPOKEN, flow=save_flow(ada.org_id, outcome_schema=schema))
    found = summarize(call, frozen)
    assert found is not None
    assert found.outcome_data == {"outcome": "booked", "amount": number}
    assert ask_as(ada, "hum/calls")("GET", f"/api/calls/{call.id}")[0] == 200


def test_the_end_of_a_talk_with_very_many_turns_is_read(
    ada: Member, model: Model, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summarizing, "MAX_TURNS", 8)
    for spoken in (7, 8, 20):
        runtime = model(ANSWER)
        found = summarize(talk(ada, *[f"These are words {number}." for number in range(1, spoken + 1)]), frozen)
        question = json.loads(runtime.asked[0]["messages"][0]["content"][0]["text"])
        shown = [turn["text"] for turn in question["transcript"]]
        assert shown[:2] == ["Hello from the agent.", "These are words 1."]
        assert shown[2:] == [f"These are words {number}." for number in range(spoken - 5, spoken + 1)]
        assert found is not None
        assert found.turns == 8


def test_the_outcome_is_checked_by_the_version_with_which_the_call_began(
    ada: Member, model: Model, frozen: clock.FrozenClock
) -> None:
    model(ANSWER)
    flow = save_flow(ada.org_id, outcome_schema=SCHEMA)
    call = talk(ada, *SPOKEN, flow=flow)
    narrower = json.dumps({"type": "object", "properties": {"outcome": {"enum": ["sold"]}}})
    flow_changes.update_flow(system(ada.org_id), flow.id, {"outcome_schema_json": narrower})
    found = summarize(call, frozen)
    assert found is not None
    assert found.outcome_valid


def test_a_flow_without_a_schema_has_no_outcome(acme: Tenant, ada: Member, frozen: clock.FrozenClock) -> None:
    found = summarize(talk(ada, *SPOKEN, flow=save_flow(ada.org_id)), frozen)
    assert found is not None
    assert (found.outcome_data, found.outcome_valid) == (None, None)
    assert "voice.call.outcome_captured" not in list_actions(acme)


@pytest.mark.parametrize(
    "unusable",
    [
        "Sure! Here is the summary.",
        ANSWER | {"more": 1},
        ANSWER | {"sentiment": "angry"},
        ANSWER | {"key_points": "one"},
        ANSWER | {"tldr": " "},
        {name: value for name, value in ANSWER.items() if name != "outcome"},
    ],
)
def test_an_unusable_answer_is_asked_for_again(
    ada: Member, model: Model, frozen: clock.FrozenClock, unusable: Any
) -> None:
    runtime = model(unusable, ANSWER)
    found = summarize(talk(ada, *SPOKEN), frozen)
    assert found is not None
    assert (found.tldr, len(runtime.asked)) == ("Ada booked Monday.", 2)


@pytest.mark.parametrize("answers", [["no"] * ATTEMPTS, [REFUSED]])
def test_rules_summarize_where_the_model_gives_no_answer(
    ada: Member, model: Model, frozen: clock.FrozenClock, answers: list[Any]
) -> None:
    model(*answers)
    found = summarize(talk(ada, *SPOKEN), frozen)
    assert found is not None
    assert (found.made_by, found.outcome_data, found.sentiment) == ("rules", {"outcome": "booked"}, "positive")


def test_a_throttled_model_is_asked_again_and_at_last_rules_summarize(
    ada: Member, model: Model, frozen: clock.FrozenClock
) -> None:
    model(THROTTLED, THROTTLED, ANSWER)
    call = talk(ada, *SPOKEN)
    assert summarize(call, frozen) is None
    frozen.advance(seconds=20)
    assert summarize(call, frozen) is None
    again = summarize(call, frozen)
    assert again is not None
    assert again.made_by == "bedrock:test-model"
    model(THROTTLED)
    other = talk(ada, *SPOKEN)
    frozen.advance(minutes=10)
    late = summarize(other, frozen)
    assert late is not None
    assert late.made_by == "rules"


def test_the_models_uses_of_an_organization_have_a_daily_limit(
    ada: Member, model: Model, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summarizing, "MODEL_SUMMARIES_PER_DAY", 1)
    runtime = model(ANSWER, ANSWER)
    first, second = (summarize(talk(ada, *SPOKEN), frozen) for _ in range(2))
    assert first is not None
    assert second is not None
    assert [first.made_by, second.made_by, len(runtime.asked)] == ["bedrock:test-model", "rules", 1]
    frozen.advance(days=1)
    third = summarize(talk(ada, *SPOKEN), frozen)
    assert third is not None
    assert third.made_by == "bedrock:test-model"


@pytest.mark.parametrize(
    ("spoken", "answered_by", "tldr"),
    [
        ((), "human", "The person said nothing."),
        (("Wrong number.",), "human", "The person said only: “Wrong number.”"),
    ],
)
def test_a_talk_without_words_of_the_caller_needs_no_model(
    ada: Member, model: Model, frozen: clock.FrozenClock, spoken: tuple[str, ...], answered_by: str, tldr: str
) -> None:
    runtime = model()
    found = summarize(talk(ada, *spoken, answered_by=answered_by), frozen)
    assert found is not None
    assert (found.tldr, found.made_by, runtime.asked) == (tldr, "rules", [])
    assert (found.outcome_data, found.outcome_valid, found.outcome_errors) == (None, None, [])


@pytest.mark.parametrize("modeled", [True, False])
@pytest.mark.parametrize("answered_by", ["machine_start", "machine_end_beep", "fax"])
def test_the_words_of_a_machine_are_no_outcome(
    acme: Tenant, ada: Member, model: Model, frozen: clock.FrozenClock, answered_by: str, modeled: bool
) -> None:
    runtime = model(ANSWER) if modeled else None
    spoken = ("You have reached Bob. I want to help, yes.", "Please leave a message after the tone. Perfect.")
    call = talk(ada, *spoken, answered_by=answered_by)
    found = summarize(call, frozen)
    assert found is not None
    assert (found.tldr, found.made_by) == ("A machine answered.", "rules")
    assert (found.outcome_data, found.outcome_valid, found.outcome_errors) == (None, None, [])
    assert (read_call(call).outcome, runtime.asked if runtime else []) == (None, [])
    actions = list_actions(acme)
    assert "voice.call.summarized" in actions
    assert "voice.call.outcome_captured" not in actions


def test_the_summary_says_that_our_message_was_left(ada: Member, frozen: clock.FrozenClock) -> None:
    flow = save_flow(ada.org_id, outcome_schema=SCHEMA, voicemail_leave_message="See you on Monday.")
    call = place(ada, flow)
    dialing.dial_call(call.org_id, call.id)
    report_progress(call, "answered", answered_by="machine_end_beep")
    outbound_scripts.begin_message(read_call(call))
    report_progress(call, "ended", end_reason=EndReason.COMPLETED, duration_seconds=0)
    found = summarize(call, frozen)
    assert found is not None
    assert (found.tldr, found.turns) == ("A machine answered. Our message was left.", 1)
    assert row_fields(CallRow(read_call(call), None, None, is_read=False))["message_left_at"] is not None


def test_a_person_whom_the_detection_took_for_a_machine_has_an_outcome(
    ada: Member, model: Model, frozen: clock.FrozenClock
) -> None:
    runtime = model(ANSWER)
    call = talk(ada, *SPOKEN, answered_by="machine_start")
    report_progress(call, "transferred", to="+14155550143")
    found = summarize(call, frozen)
    assert found is not None
    assert (found.outcome_valid, len(runtime.asked)) == (True, 1)


def test_a_simulated_call_is_never_shown_to_a_model(ada: Member, model: Model, frozen: clock.FrozenClock) -> None:
    runtime = model()
    call = console.place_test_call(ada, save_flow(ada.org_id).id, ADA, simulated=True)
    dialing.dial_call(call.org_id, call.id)
    finish(call, *SPOKEN)
    report_progress(call, "analyzed", outcome="success", summary="Fine.")
    found = summarize(call, frozen)
    assert found is not None
    assert (found.made_by, runtime.asked) == ("rules", [])
    assert read_call(call).summary == "Fine.", "rules say less than the provider"


def test_a_call_without_an_answer_has_no_summary(ada: Member, frozen: clock.FrozenClock) -> None:
    call = place(ada, save_flow(ada.org_id))
    assert summarize(call, frozen) is None
    dialing.dial_call(call.org_id, call.id)
    report_progress(call, "ended", end_reason=EndReason.BUSY)
    assert summarize(call, frozen) is None
    assert read_call(call).state is State.BUSY


def test_turns_within_five_seconds_of_the_end_count_and_later_ones_do_not(
    ada: Member, frozen: clock.FrozenClock
) -> None:
    call = talk(ada, *SPOKEN)
    summarizing.summarize_call(call.org_id, call.id)
    assert summaries.get_summary(call.org_id, call.id) is None
    report_turn(call, "One more thing.", number=4)
    found = summarize(call, frozen)
    assert found is not None
    assert found.turns == 4
    report_turn(call, "Too late.", number=5)
    assert summarize(call, frozen) == found
    assert len(list(store.list_turns(call.org_id, call.id))) == 5


def test_a_late_analysis_does_not_replace_the_summary(ada: Member, frozen: clock.FrozenClock) -> None:
    call = talk(ada, *SPOKEN, flow=save_flow(ada.org_id))
    summarize(call, frozen)
    told = read_call(call).summary
    store.CALLS.change_object(call.org_id, call.id, lambda found: ending.apply_analysis(found, "success", "Analyzed."))
    assert (read_call(call).summary, read_call(call).outcome) == (told, "success")


@pytest.mark.parametrize("modeled", [True, False])
def test_a_model_replaces_the_providers_analysis_and_rules_do_not(
    ada: Member, model: Model, frozen: clock.FrozenClock, modeled: bool
) -> None:
    if modeled:
        model(ANSWER)
    call = talk(ada, *SPOKEN, flow=save_flow(ada.org_id))
    store.CALLS.change_object(call.org_id, call.id, lambda found: ending.apply_analysis(found, "success", "Analyzed."))
    assert summarize(call, frozen) is not None
    assert read_call(call).summary == ("Ada booked Monday." if modeled else "Analyzed.")


@pytest.mark.parametrize(
    ("voicemail", "tldr"),
    [
        (CallerMessageState.RECORDED, "The caller left a message."),
        (CallerMessageState.LEFT, "The caller left a message."),
        (CallerMessageState.NONE, "Nobody spoke."),
        (None, "Nobody spoke."),
    ],
)
def test_a_call_of_a_caller_who_left_a_message_says_so(
    acme: Tenant, frozen: clock.FrozenClock, voicemail: CallerMessageState | None, tldr: str
) -> None:
    now = clock.now_iso()
    call = save_call(acme.org_id, direction="INBOUND", answered_at=now, ended_at=now, talk=1, voicemail=voicemail)
    found = summarize(call, frozen)
    assert found is not None
    assert (found.tldr, read_call(call).summary) == (tldr, tldr)


def test_a_long_talk_is_shown_without_its_middle(ada: Member, model: Model, frozen: clock.FrozenClock) -> None:
    runtime = model(ANSWER)
    call = talk(ada, *[f"{number} " + "word " * 200 for number in range(60)])
    summarize(call, frozen)
    shown = json.loads(runtime.asked[0]["messages"][0]["content"][0]["text"])["transcript"]
    texts = "".join(turn["text"] for turn in shown)
    assert len(texts) <= summarizing.MAX_CHARACTERS
    assert shown[0]["text"] == "Hello from the agent."
    assert shown[-1]["text"].startswith("59 ")
    assert "\n30 " not in texts
