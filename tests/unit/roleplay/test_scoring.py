"""Scoring: by rules and by a language model, and what is not scored at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from switchboard.aws import clients, queues
from switchboard.aws.writes import commit
from switchboard.carriers.language.bedrock import Bedrock
from switchboard.carriers.outcomes import RefusedError, ThrottledError
from switchboard.kit import clock
from switchboard.roleplay import calls as service
from switchboard.roleplay import judges, lifecycle, scoring, store
from switchboard.roleplay.catalog.drills import edition
from switchboard.roleplay.catalog.models import Criterion, Rubric
from switchboard.roleplay.judges import Judgment
from switchboard.roleplay.judges.model import ATTEMPTS, ModelJudge
from switchboard.roleplay.judges.models import CriterionResult, Evidence, PracticeSpeaker, PracticeTurn
from switchboard.roleplay.judges.signs import SignJudge
from switchboard.roleplay.models import RoleplayCall, RoleplayState, TransportReport
from switchboard.roleplay.transports import script
from switchboard.timers import store as timer_store
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Reseller
from tests.fakes.bedrock import BedrockRuntime
from tests.integration.sabotage import Later, pass_on
from tests.unit.roleplay.conftest import now, practised, redeemed, reports

RUBRIC = Rubric(
    "test@1",
    (
        Criterion("name", "Name", 10, "Say your name.", (r"\bmy name is\b", r"\bagency\b"), needed=2, within=2),
        Criterion("question", "Question", 20, "Ask.", (r"\bwhich\b[^?]*\?",)),
        Criterion("lie", "No lie", 10, "Do not lie.", (r"\bfree\b",), forbidden=True),
    ),
)


def turn(number: int, text: str, speaker: PracticeSpeaker = PracticeSpeaker.REP) -> PracticeTurn:
    return PracticeTurn(number=number, speaker=speaker, text=text, start_ms=0, end_ms=0)


def said(call: RoleplayCall) -> list[PracticeTurn]:
    return store.list_turns(call.org_id, call.id)


def scored(call: RoleplayCall) -> RoleplayCall:
    scoring.score_call(call.org_id, call.id)
    return now(call)


# --- by rules ---------------------------------------------------------------------------------------------------


def points(*texts: str) -> list[int]:
    return [mark.points for mark in SignJudge().judge(RUBRIC, [turn(n, text) for n, text in enumerate(texts)]).marks]


def test_signs_earn_points_a_part_of_them_a_part_and_what_is_forbidden_loses_them() -> None:
    assert points("My name is Ann, of the agency.", "Which doctor is it?") == [10, 20, 10]
    assert points("MY NAME IS Ann.") == [5, 0, 10]
    assert points("It is free.", "Which doctor? It is not.") == [0, 20, 0]
    assert points("Hello.", "Well.", "My name is Ann, of the agency.") == [0, 0, 10], "too late"
    assert points("My name is, my name is, my name is.") == [5, 0, 10], "a sign counts once"


def test_only_what_the_rep_says_counts_and_evidence_is_where_it_was_said() -> None:
    turns = [
        turn(0, "My name is Dorothy, of no agency. Which is it? It is free.", PracticeSpeaker.PERSONA),
        turn(1, "Hello, my name is Ann."),
    ]
    marks = SignJudge().judge(RUBRIC, turns).marks
    assert [mark.points for mark in marks] == [5, 0, 10]
    assert marks[0].evidence == [Evidence(turn=1, start=7, end=17)]


def test_it_is_the_same_each_time_and_the_advice_is_the_rubrics(acme: Reseller) -> None:
    call = practised(acme, "rep_poor")
    turns, rubric = store.list_turns(call.org_id, call.id), edition(call.drill_key, call.drill_version).rubric
    judged = SignJudge().judge(rubric, turns)
    assert judged == SignJudge().judge(rubric, turns)
    assert any(criterion.guidance in judged.feedback for criterion in rubric.criteria)
    for mark in judged.marks:
        for found in mark.evidence:
            said = next(one for one in turns if one.number == found.turn)
            assert said.speaker is PracticeSpeaker.REP
            assert 0 <= found.start < found.end <= len(said.text)


# --- the worker -------------------------------------------------------------------------------------------------


def test_better_reps_have_better_scores(acme: Reseller) -> None:
    call = redeemed(acme)
    rubric = edition(call.drill_key, call.drill_version).rubric
    found = []
    for user in ("rep_poor", "rep_fair", "rep_good", "rep_excellent"):
        # The simulator rolls by the call's id. With a random one a good rep does everything well now and then.
        room = replace(lifecycle.room_of(call), rep=user, call_id="athos_call_1")
        lines = enumerate(script.dialogue(room))
        turns = [turn(number, text, PracticeSpeaker(speaker)) for number, (speaker, text) in lines]
        found.append(sum(mark.points for mark in SignJudge().judge(rubric, turns).marks) / rubric.weight)
    assert found == sorted(found)
    assert found[0] < 0.5 < found[2] < found[3] == 1


def test_a_scored_call_is_counted_and_one_that_could_not_be_is_not(acme: Reseller) -> None:
    assert scored(practised(acme)).state is RoleplayState.SCORED
    silent = redeemed(acme, "rep_silent")
    lifecycle.apply_report(TransportReport(org_id=silent.org_id, call_id=silent.id, kind="ended", turns=0))
    assert scored(silent).state is RoleplayState.SCORING_FAILED
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units[Meter.ROLEPLAY] == 1


@pytest.mark.parametrize("user", ["rep_silent", "rep_vanishes"])
def test_too_little_is_not_scored(acme: Reseller, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "MIN_REP_WORDS", 200)
    call = redeemed(acme, user)
    for progress in reports(call):
        lifecycle.apply_report(progress)
    lifecycle.apply_report(TransportReport(org_id=call.org_id, call_id=call.id, kind="ended", turns=len(said(call))))
    failed = scored(call)
    assert (failed.state, failed.failure_reason) == (RoleplayState.SCORING_FAILED, "SCORING_INCOMPLETE")
    assert failed.failure_message
    assert failed.scored_at is None


def test_a_call_that_has_not_ended_is_not_scored(acme: Reseller) -> None:
    assert scored(redeemed(acme)).state is RoleplayState.CREATED
    scoring.score_call(acme.org_id, "athos_call_" + "x" * 21)


def test_a_call_is_scored_once(acme: Reseller) -> None:
    first = scored(practised(acme))
    assert scored(first) == first


class Model:
    """A language model that does what the test says."""

    name = "test"

    def __init__(self, outcome: Exception | Callable[[], None]) -> None:
        self.outcome = outcome

    def judge(self, rubric: Rubric, turns: Sequence[PracticeTurn]) -> Judgment:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        self.outcome()
        return SignJudge().judge(rubric, turns)


def test_what_the_model_refuses_is_not_scored(acme: Reseller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judges, "configured_judge", lambda: Model(RefusedError("no")))
    assert scored(practised(acme)).failure_reason == "SCORING_INCOMPLETE"


def test_a_model_that_is_busy_is_asked_again_and_in_the_end_given_up(
    acme: Reseller, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    timer_store.advance_watermark(clock.now_iso()[:16])
    later = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", later)
    calls = [practised(acme), practised(acme)]
    monkeypatch.setattr(judges, "configured_judge", lambda: Model(ThrottledError("later")))
    for call in calls:
        scoring.score_call(call.org_id, call.id)
        assert now(call).state is RoleplayState.SCORING
    monkeypatch.setattr(judges, "configured_judge", SignJudge)
    assert scored(calls[0]).state is RoleplayState.SCORED
    monkeypatch.setattr(judges, "configured_judge", lambda: Model(ThrottledError("later")))
    frozen.advance(minutes=30, seconds=1)
    pass_on(later, "workers/scoring")
    assert [now(call).state for call in calls] == [RoleplayState.SCORED, RoleplayState.SCORING_FAILED]


def test_of_two_judgments_the_first_stands(acme: Reseller, monkeypatch: pytest.MonkeyPatch) -> None:
    call = practised(acme)
    monkeypatch.setattr(
        judges, "configured_judge", lambda: Model(lambda: scoring.give_up_scoring(call.org_id, call.id))
    )
    assert scored(call).state is RoleplayState.SCORING_FAILED
    assert store.get_scored_call(call.org_id, call.id) is None


# --- by Bedrock -------------------------------------------------------------------------------------------------

TURNS = [turn(0, "Hello?", PracticeSpeaker.PERSONA), turn(1, "My name is Ann. Which doctor is it?")]


def answer(**changes: Any) -> dict[str, Any]:
    return {
        "summary": "Short.",
        "feedback": "Say more.",
        "criteria": [
            {"key": "name", "points": 6, "evidence": [{"turn": 1, "quote": "My name is Ann"}]},
            {"key": "question", "points": 0, "evidence": []},
            {"key": "lie", "points": 10, "evidence": []},
        ],
    } | changes


def criteria(**changes: Any) -> dict[str, Any]:
    """An answer whose first criterion is changed."""
    made = answer()
    made["criteria"][0] |= changes
    return made


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Callable[..., BedrockRuntime]:
    def make(*outcomes: Any) -> BedrockRuntime:
        made = BedrockRuntime(*outcomes)
        monkeypatch.setattr(clients, "get_client", lambda _: made)
        return made

    return make


def test_bedrock_is_asked_for_the_rubric_and_its_answer_is_taken(runtime: Callable[..., BedrockRuntime]) -> None:
    bedrock = runtime(answer())
    judged = ModelJudge(Bedrock("a.model")).judge(RUBRIC, TURNS)
    assert judged.marks[0] == CriterionResult(
        key="name", title="Name", weight=10, points=6, evidence=[Evidence(turn=1, start=0, end=14)]
    )
    assert [mark.points for mark in judged.marks] == [6, 0, 10]
    (asked,) = bedrock.asked
    assert (asked["modelId"], asked["inferenceConfig"]["temperature"]) == ("a.model", 0)
    sent = json.loads(asked["messages"][0]["content"][0]["text"])
    assert [one["key"] for one in sent["rubric"]] == ["name", "question", "lie"]
    assert sent["transcript"][1] == {"turn": 1, "speaker": "rep", "text": TURNS[1].text}


@pytest.mark.parametrize(
    "unusable",
    [
        "",
        "I think that it went well.",
        f"```json\n{json.dumps(answer())}\n```",
        answer(more="than was asked"),
        answer(summary=""),
        answer(criteria=[]),
        answer(criteria=answer()["criteria"][:2]),
        answer(criteria=[*answer()["criteria"], answer()["criteria"][0]]),
        criteria(key="another"),
        criteria(points=11),
        criteria(points=-1),
        criteria(points=6.5),
        criteria(points="6"),
        criteria(evidence=[]),
        criteria(evidence=[{"turn": 1, "quote": "My name is Bob"}]),
        criteria(evidence=[{"turn": 0, "quote": "Hello"}]),
        criteria(evidence=[{"turn": 7, "quote": "My name"}]),
        criteria(evidence=[{"turn": 1, "quote": ""}]),
    ],
)
def test_an_answer_of_another_shape_is_asked_for_again_and_then_refused(
    runtime: Callable[..., BedrockRuntime], unusable: Any
) -> None:
    bedrock = runtime(unusable, answer())
    assert ModelJudge(Bedrock("a.model")).judge(RUBRIC, TURNS).marks[0].points == 6
    assert len(bedrock.asked) == 2
    bedrock = runtime(*[unusable] * (ATTEMPTS + 1))
    with pytest.raises(RefusedError):
        ModelJudge(Bedrock("a.model")).judge(RUBRIC, TURNS)
    assert len(bedrock.asked) == ATTEMPTS


def test_a_lie_that_is_nowhere_cannot_be_held_against_anybody(runtime: Callable[..., BedrockRuntime]) -> None:
    made = answer()
    made["criteria"][2] |= {"points": 0}
    runtime(*[made] * ATTEMPTS)
    with pytest.raises(RefusedError):
        ModelJudge(Bedrock("a.model")).judge(RUBRIC, TURNS)


def _failure(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Converse")


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (_failure("ThrottlingException"), ThrottledError),
        (_failure("ModelTimeoutException"), ThrottledError),
        (ReadTimeoutError(endpoint_url="https://bedrock"), ThrottledError),
        (_failure("AccessDeniedException"), RefusedError),
        (_failure("ValidationException"), RefusedError),
    ],
)
def test_what_passes_is_told_from_what_does_not(
    runtime: Callable[..., BedrockRuntime], failure: Exception, outcome: type[Exception]
) -> None:
    runtime(failure)
    with pytest.raises(outcome):
        ModelJudge(Bedrock("a.model")).judge(RUBRIC, TURNS)


def test_the_setting_names_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judges.configured_judge().name == "rules"
    monkeypatch.setenv("SWITCHBOARD_LANGUAGE_MODEL", "bedrock")
    monkeypatch.setenv("SWITCHBOARD_BEDROCK_MODEL", "a.model")
    assert judges.configured_judge().name == "bedrock:a.model"


def test_a_turn_that_came_too_late_to_be_judged_is_in_no_transcript(acme: Reseller) -> None:
    call = practised(acme)
    ended = now(call)
    judged = scored(call)
    # Its worker had read the call before the scoring began.
    commit(store.turn_write(ended, turn(999, "One more thing.")))
    found = service.get_scored_call(acme.caller(), call.id)
    assert len(store.list_turns(call.org_id, call.id)) == len(found.turns) + 1 == judged.turns + 1
    assert max(one.number for one in found.turns) < 999
