"""Scoring: by rules and by a language model, and calls that are not scored."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from switchboard.aws import clients, queues
from switchboard.aws.writes import commit
from switchboard.carriers.language.answers import ATTEMPTS
from switchboard.carriers.language.bedrock import Bedrock
from switchboard.carriers.outcomes import RefusedError, ThrottledError
from switchboard.kit import clock
from switchboard.roleplay import calls as roleplay
from switchboard.roleplay import judges, lifecycle, scoring, store
from switchboard.roleplay.catalog.drills import edition
from switchboard.roleplay.catalog.models import Criterion, Rubric
from switchboard.roleplay.judges import Judgment
from switchboard.roleplay.judges.model import ModelJudge
from switchboard.roleplay.judges.models import CriterionResult, Evidence, PracticeSpeaker, PracticeTurn
from switchboard.roleplay.judges.signs import SignJudge
from switchboard.roleplay.models import RoleplayCall, RoleplayState, TransportReport
from switchboard.roleplay.transports import script
from switchboard.timers import store as timer_store
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Reseller
from tests.fakes.bedrock import BedrockRuntime
from tests.integration.sabotage import Later, send_due
from tests.unit.roleplay.conftest import list_reports, load_call, practise_call, redeem_session

RUBRIC = Rubric(
    "test@1",
    (
        Criterion("name", "Name", 10, "Say your name.", (r"\bmy name is\b", r"\bagency\b"), needed=2, within=2),
        Criterion("question", "Question", 20, "Ask.", (r"\bwhich\b[^?]*\?",)),
        Criterion("lie", "No lie", 10, "Do not lie.", (r"\bfree\b",), forbidden=True),
    ),
)


def make_turn(number: int, text: str, speaker: PracticeSpeaker = PracticeSpeaker.REP) -> PracticeTurn:
    return PracticeTurn(number=number, speaker=speaker, text=text, start_ms=0, end_ms=0)


def list_turns(call: RoleplayCall) -> list[PracticeTurn]:
    return store.list_turns(call.org_id, call.id)


def load_scored_call(call: RoleplayCall) -> RoleplayCall:
    scoring.score_call(call.org_id, call.id)
    return load_call(call)


def points_by_criterion(*texts: str) -> list[int]:
    return [
        mark.points
        for mark in SignJudge().judge_transcript(RUBRIC, [make_turn(n, text) for n, text in enumerate(texts)]).marks
    ]


def test_signs_earn_points_and_forbidden_words_lose_them() -> None:
    assert points_by_criterion("My name is Ann, of the agency.", "Which doctor is it?") == [10, 20, 10]
    assert points_by_criterion("MY NAME IS Ann.") == [5, 0, 10]
    assert points_by_criterion("It is free.", "Which doctor? It is not.") == [0, 20, 0]
    assert points_by_criterion("Hello.", "Well.", "My name is Ann, of the agency.") == [0, 0, 10], "too late"
    assert points_by_criterion("My name is, my name is, my name is.") == [5, 0, 10], "a sign counts once"


def test_only_the_reps_words_count_and_evidence_has_their_turn() -> None:
    turns = [
        make_turn(0, "My name is Dorothy, of no agency. Which is it? It is free.", PracticeSpeaker.PERSONA),
        make_turn(1, "Hello, my name is Ann."),
    ]
    marks = SignJudge().judge_transcript(RUBRIC, turns).marks
    assert [mark.points for mark in marks] == [5, 0, 10]
    assert marks[0].evidence == [Evidence(turn=1, start=7, end=17)]


def test_scoring_is_deterministic_and_the_advice_is_the_rubrics(acme: Reseller) -> None:
    call = practise_call(acme, "rep_poor")
    turns, rubric = store.list_turns(call.org_id, call.id), edition(call.drill_key, call.drill_version).rubric
    judged = SignJudge().judge_transcript(rubric, turns)
    assert judged == SignJudge().judge_transcript(rubric, turns)
    assert any(criterion.guidance in judged.feedback for criterion in rubric.criteria)
    for mark in judged.marks:
        for found in mark.evidence:
            said = next(one for one in turns if one.number == found.turn)
            assert said.speaker is PracticeSpeaker.REP
            assert 0 <= found.start < found.end <= len(said.text)


def test_better_reps_have_better_scores(acme: Reseller) -> None:
    call = redeem_session(acme)
    rubric = edition(call.drill_key, call.drill_version).rubric
    found = []
    for user in ("rep_poor", "rep_fair", "rep_good", "rep_excellent"):
        # The simulator's random choices depend on the call's id. With a random id a good rep succeeds fully from time
        # to time.
        room = replace(lifecycle.room_of(call), rep=user, call_id="athos_call_1")
        lines = enumerate(script.dialogue(room))
        turns = [make_turn(number, text, PracticeSpeaker(speaker)) for number, (speaker, text) in lines]
        found.append(sum(mark.points for mark in SignJudge().judge_transcript(rubric, turns).marks) / rubric.weight)
    assert found == sorted(found)
    assert found[0] < 0.5 < found[2] < found[3] == 1


def test_only_scored_calls_are_counted(acme: Reseller) -> None:
    assert load_scored_call(practise_call(acme)).state is RoleplayState.SCORED
    silent = redeem_session(acme, "rep_silent")
    lifecycle.apply_report(TransportReport(org_id=silent.org_id, call_id=silent.id, kind="ended", turns=0))
    assert load_scored_call(silent).state is RoleplayState.SCORING_FAILED
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units[Meter.ROLEPLAY] == 1


@pytest.mark.parametrize("user", ["rep_silent", "rep_vanishes"])
def test_a_call_with_too_few_turns_is_not_scored(acme: Reseller, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "MIN_REP_WORDS", 200)
    call = redeem_session(acme, user)
    for progress in list_reports(call):
        lifecycle.apply_report(progress)
    lifecycle.apply_report(
        TransportReport(org_id=call.org_id, call_id=call.id, kind="ended", turns=len(list_turns(call)))
    )
    failed = load_scored_call(call)
    assert (failed.state, failed.failure_reason) == (RoleplayState.SCORING_FAILED, "SCORING_INCOMPLETE")
    assert failed.failure_message
    assert failed.scored_at is None


def test_a_call_that_has_not_ended_is_not_scored(acme: Reseller) -> None:
    assert load_scored_call(redeem_session(acme)).state is RoleplayState.CREATED
    scoring.score_call(acme.org_id, "athos_call_" + "x" * 21)


def test_a_call_is_scored_once(acme: Reseller) -> None:
    first = load_scored_call(practise_call(acme))
    assert load_scored_call(first) == first


class Model:
    """A language model with scripted results."""

    name = "test"

    def __init__(self, outcome: Exception | Callable[[], None]) -> None:
        self.outcome = outcome

    def judge_transcript(self, rubric: Rubric, turns: Sequence[PracticeTurn]) -> Judgment:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        self.outcome()
        return SignJudge().judge_transcript(rubric, turns)


def test_a_call_that_the_model_refuses_is_not_scored(acme: Reseller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judges, "configured_judge", lambda: Model(RefusedError("no")))
    assert load_scored_call(practise_call(acme)).failure_reason == "SCORING_INCOMPLETE"


def test_a_busy_model_is_retried_and_finally_given_up(
    acme: Reseller, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    timer_store.advance_watermark(clock.now_iso()[:16])
    later = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", later)
    calls = [practise_call(acme), practise_call(acme)]
    monkeypatch.setattr(judges, "configured_judge", lambda: Model(ThrottledError("later")))
    for call in calls:
        scoring.score_call(call.org_id, call.id)
        assert load_call(call).state is RoleplayState.SCORING
    monkeypatch.setattr(judges, "configured_judge", SignJudge)
    assert load_scored_call(calls[0]).state is RoleplayState.SCORED
    monkeypatch.setattr(judges, "configured_judge", lambda: Model(ThrottledError("later")))
    frozen.advance(minutes=30, seconds=1)
    send_due(later, "workers/scoring")
    assert [load_call(call).state for call in calls] == [RoleplayState.SCORED, RoleplayState.SCORING_FAILED]


def test_the_first_of_two_judgments_stands(acme: Reseller, monkeypatch: pytest.MonkeyPatch) -> None:
    call = practise_call(acme)
    monkeypatch.setattr(
        judges, "configured_judge", lambda: Model(lambda: scoring.give_up_scoring(call.org_id, call.id))
    )
    assert load_scored_call(call).state is RoleplayState.SCORING_FAILED
    assert store.get_scored_call(call.org_id, call.id) is None


TURNS = [make_turn(0, "Hello?", PracticeSpeaker.PERSONA), make_turn(1, "My name is Ann. Which doctor is it?")]


def bedrock_response(**changes: Any) -> dict[str, Any]:
    return {
        "summary": "Short.",
        "feedback": "Say more.",
        "criteria": [
            {"key": "name", "points": 6, "evidence": [{"turn": 1, "quote": "My name is Ann"}]},
            {"key": "question", "points": 0, "evidence": []},
            {"key": "lie", "points": 10, "evidence": []},
        ],
    } | changes


def changed_criteria(**changes: Any) -> dict[str, Any]:
    """An answer whose first criterion is changed."""
    made = bedrock_response()
    made["criteria"][0] |= changes
    return made


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Callable[..., BedrockRuntime]:
    def make(*outcomes: Any) -> BedrockRuntime:
        made = BedrockRuntime(*outcomes)
        monkeypatch.setattr(clients, "get_client", lambda _: made)
        return made

    return make


def test_bedrock_gets_the_rubric_and_its_score_is_used(runtime: Callable[..., BedrockRuntime]) -> None:
    bedrock = runtime(bedrock_response())
    judged = ModelJudge(Bedrock("a.model")).judge_transcript(RUBRIC, TURNS)
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
        f"```json\n{json.dumps(bedrock_response())}\n```",
        bedrock_response(more="than was asked"),
        bedrock_response(summary=""),
        bedrock_response(criteria=[]),
        bedrock_response(criteria=bedrock_response()["criteria"][:2]),
        bedrock_response(criteria=[*bedrock_response()["criteria"], bedrock_response()["criteria"][0]]),
        changed_criteria(key="another"),
        changed_criteria(points=11),
        changed_criteria(points=-1),
        changed_criteria(points=6.5),
        changed_criteria(points="6"),
        changed_criteria(evidence=[]),
        changed_criteria(evidence=[{"turn": 1, "quote": "My name is Bob"}]),
        changed_criteria(evidence=[{"turn": 0, "quote": "Hello"}]),
        changed_criteria(evidence=[{"turn": 7, "quote": "My name"}]),
        changed_criteria(evidence=[{"turn": 1, "quote": ""}]),
    ],
)
def test_a_malformed_response_is_retried_once_and_then_refused(
    runtime: Callable[..., BedrockRuntime], unusable: Any
) -> None:
    bedrock = runtime(unusable, bedrock_response())
    assert ModelJudge(Bedrock("a.model")).judge_transcript(RUBRIC, TURNS).marks[0].points == 6
    assert len(bedrock.asked) == 2
    bedrock = runtime(*[unusable] * (ATTEMPTS + 1))
    with pytest.raises(RefusedError):
        ModelJudge(Bedrock("a.model")).judge_transcript(RUBRIC, TURNS)
    assert len(bedrock.asked) == ATTEMPTS


def test_invented_evidence_is_rejected(runtime: Callable[..., BedrockRuntime]) -> None:
    made = bedrock_response()
    made["criteria"][2] |= {"points": 0}
    runtime(*[made] * ATTEMPTS)
    with pytest.raises(RefusedError):
        ModelJudge(Bedrock("a.model")).judge_transcript(RUBRIC, TURNS)


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
def test_transient_and_permanent_errors_are_distinguished(
    runtime: Callable[..., BedrockRuntime], failure: Exception, outcome: type[Exception]
) -> None:
    runtime(failure)
    with pytest.raises(outcome):
        ModelJudge(Bedrock("a.model")).judge_transcript(RUBRIC, TURNS)


def test_the_setting_names_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judges.configured_judge().name == "rules"
    monkeypatch.setenv("SWITCHBOARD_LANGUAGE_MODEL", "bedrock")
    monkeypatch.setenv("SWITCHBOARD_BEDROCK_MODEL", "a.model")
    assert judges.configured_judge().name == "bedrock:a.model"


def test_a_turn_after_the_scoring_is_not_in_the_transcript(acme: Reseller) -> None:
    call = practise_call(acme)
    ended = load_call(call)
    judged = load_scored_call(call)
    # Its worker had read the call before the scoring began.
    commit(store.turn_write(ended, make_turn(999, "One more thing.")))
    found = roleplay.get_scored_call(acme.caller(), call.id)
    assert len(store.list_turns(call.org_id, call.id)) == len(found.turns) + 1 == judged.turns + 1
    assert max(one.number for one in found.turns) < 999
