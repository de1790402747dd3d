"""The AI answers texts: once, within its limits, and never when a person or an opt-out says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest

from switchboard.aws.writes import commit
from switchboard.carriers.language import RefusedError, ThrottledError
from switchboard.compliance import ledgers
from switchboard.compliance.verdicts import Blocked
from switchboard.kit import clock
from switchboard.messaging import acceptance, store
from switchboard.messaging.models import Author, ConversationStatus, MessageStatus, ScheduledStatus, ScheduleReason
from switchboard.persistence.collection import next_version
from switchboard.replies import guards, service, turns, writing
from switchboard.replies.repliers.models import Answer, ToolCall
from tests.actors import Tenant, system
from tests.integration.sabotage import Sabotage
from tests.unit.messaging.desk import make_text
from tests.unit.messaging.texts_out import CALIFORNIAN, fire
from tests.unit.replies.talks import ADA, Talk, open_talk, use_writer


def _change(talk: Talk, **facts: Any) -> None:
    store.CONVERSATIONS.change_object(talk.org_id, talk.id, lambda now: (next_version(now, **facts), None))


def test_the_first_text_is_greeted_and_the_answer_is_queued(talk: Talk) -> None:
    talk.answer(talk.hear("Hi"))
    answer = talk.texts[-1]
    assert (answer.body, answer.author, answer.status) == ("Welcome to Acme!", Author.AI, MessageStatus.QUEUED)
    assert talk.conversation.metadata["previous_response_id"] == answer.id


def test_one_answer_for_several_texts(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = use_writer(monkeypatch, Answer("At 5."))
    first, second = talk.hear("Hi"), talk.hear("When do you close?")
    talk.answer(first, pause=3)
    assert talk.answers == []
    talk.answer(second, pause=1)
    assert talk.answers == ["At 5."]
    assert [line.text for line in writer.prompts[0].lines] == ["Hi", "When do you close?"]
    assert writer.prompts[0].instructions == "Be kind."


@pytest.mark.parametrize("between", ["INFO", "AUTO-REPLY: I am away", "Liked “Welcome to Acme!”"])
def test_a_question_is_answered_though_no_question_follows(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    writer = use_writer(monkeypatch, Answer("Yes, until six."))
    question, other = talk.hear("Are you open on Sunday?"), talk.hear(between, pause=2)
    talk.answer(other, pause=0)
    assert writer.prompts == []
    talk.answer(question, pause=2)
    assert talk.answers[-1] == "Yes, until six."
    assert "INFO" not in [line.text for line in writer.prompts[0].lines]
    talk.answer(talk.hear("Thanks", pause=60))
    assert "INFO" not in [line.text for line in writer.prompts[1].lines]


def test_rules_never_answer_a_machine_or_a_keyword(talk: Talk) -> None:
    for body in ("AUTO-REPLY: I am away", "I'm driving", "Do not reply to this number"):
        talk.answer(talk.hear(body))
    assert (talk.answers, talk.conversation.ai_paused) == ([], False)
    talk.answer(talk.hear("INFO"))
    assert [text.author for text in talk.texts if text.direction == "outbound"] == [Author.SYSTEM]


def test_a_reaction_and_a_wrong_number_get_no_turn(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = use_writer(monkeypatch, Answer("Hello!"))
    talk.answer(talk.hear("Liked “Your table is ready.”"))
    question = talk.hear("Who is this?", pause=60)
    talk.answer(talk.hear("You have the wrong number", pause=2))
    talk.answer(question, pause=0)
    assert (writer.prompts, talk.answers, talk.conversation.needs_attention) == ([], [], True)
    talk.answer(talk.hear("Sorry, I do know you.", pause=60))
    assert talk.answers == ["Hello!"]


def test_a_person_who_keeps_writing_gets_an_answer_in_time(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    use_writer(monkeypatch, Answer("I am here."))
    heard = [talk.hear(f"Part {number}", pause=3) for number in range(9)]
    talk.answer(heard[-2], pause=1)
    assert talk.answers == ["I am here."]
    talk.answer(heard[-1], pause=3)
    assert talk.answers == ["I am here."]


def test_a_repeated_job_sends_nothing_again(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = use_writer(monkeypatch, Answer("Once."), Answer("Twice."))
    heard = talk.hear("Hi")
    talk.answer(heard)
    talk.answer(heard)
    assert (talk.answers, len(writer.prompts)) == (["Once."], 1)


def test_a_killed_turn_sends_one_text_and_ends(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between any two of its AWS calls, and then run again."""
    use_writer(monkeypatch, Answer("Once."))
    saboteur, ended, after = Sabotage(), False, 0
    while not ended:
        heard = talk.hear(f"Question {after}", pause=700)
        talk.time.advance(seconds=4)
        with saboteur.killing(after):
            service.reply_to_texts(talk.job(heard))
            ended = True
        service.reply_to_texts(talk.job(heard))
        after += 1
        assert talk.answers == ["Once."] * after
        assert talk.conversation.metadata["previous_response_id"] == talk.texts[-1].id
    assert after > 5


@pytest.mark.parametrize("facts", [{"ai_paused": True}, {"status": ConversationStatus.CLOSED}], ids=str)
def test_no_answer_where_a_person_has_the_conversation(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, facts: dict[str, Any]
) -> None:
    use_writer(monkeypatch, Answer("Hello"))
    heard = talk.hear("Hi")
    _change(talk, **facts)
    talk.answer(heard)
    assert talk.answers == []


def test_a_member_who_takes_over_while_the_model_writes_is_not_interrupted(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = use_writer(monkeypatch, Answer("Hello"))
    heard = talk.hear("Hi")
    write = writer.reply

    def slow(prompt: Any) -> Answer:
        _change(talk, ai_paused=True)
        return write(prompt)

    monkeypatch.setattr(writer, "reply", slow)
    talk.answer(heard)
    assert talk.answers == []


def test_no_answer_to_an_opt_out_a_blocked_number_or_a_machine(
    talk: Talk, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = use_writer(monkeypatch, Answer("Hello"))
    talk.answer(talk.hear("AUTO-REPLY: I am away"))
    heard = talk.hear("Hi")
    ledgers.block_number(system(acme.org_id), ADA)
    talk.answer(heard)
    ledgers.unblock_number(system(acme.org_id), ADA)
    ledgers.record_opt_out(system(acme.org_id), ADA, "manual")
    talk.answer(heard)
    assert (talk.answers, writer.prompts) == ([], [])


def test_an_opt_out_while_the_model_writes_stops_the_answer(
    talk: Talk, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = use_writer(monkeypatch, Answer("Hello"))
    heard = talk.hear("Hi")
    write = writer.reply

    def slow(prompt: Any) -> Answer:
        ledgers.record_opt_out(system(acme.org_id), ADA, "manual")
        return write(prompt)

    monkeypatch.setattr(writer, "reply", slow)
    talk.answer(heard)
    assert talk.answers == []


def _live(acme: Tenant, frozen: clock.FrozenClock) -> Talk:
    """A conversation on a number of a real carrier, with a person in California."""
    return replace(open_talk(acme.org_id, frozen, provider="twilio"), contact=CALIFORNIAN)


@pytest.mark.usefixtures("messenger")
def test_a_conversation_is_answered_after_a_year(
    acme: Tenant, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = _live(acme, frozen)
    use_writer(monkeypatch, Answer("Once."), Answer("Again."))
    talk.answer(talk.hear("Hi"))
    frozen.advance(days=365)
    talk.answer(talk.hear("Hello again"))
    assert talk.answers == ["Once.", "Again."]
    assert not talk.conversation.ai_paused


@pytest.mark.usefixtures("messenger")
def test_a_person_looks_at_a_text_that_the_ai_may_not_answer(
    acme: Tenant, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = _live(acme, frozen)
    use_writer(monkeypatch, Answer("Once."))
    heard = talk.hear("Hi")
    refused = Blocked("The consent has expired.", code="consent_expired")
    monkeypatch.setattr(acceptance, "send_reply", Mock(side_effect=refused))
    talk.answer(heard)
    assert (talk.answers, talk.conversation.ai_paused, talk.conversation.needs_attention) == ([], True, True)
    assert talk.conversation.metadata["escalation_reason"] == "consent_expired"


@pytest.mark.usefixtures("messenger")
def test_the_night_keeps_the_last_text_of_the_ai_for_the_morning(
    acme: Tenant, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = _live(acme, frozen)
    use_writer(monkeypatch, RefusedError("no answer"))
    frozen.advance(hours=13)
    talk.answer(talk.hear("Hi"))
    places = store.SCHEDULED_LISTING.places(talk.org_id, {"status": ["pending"]}, 10)
    (waiting,) = [store.SCHEDULED.get_object(talk.org_id, place.partition("#")[2]) for place in places]
    assert waiting
    assert talk.conversation.ai_paused
    frozen.advance(hours=11)
    assert fire(waiting).status is ScheduledStatus.SENT
    assert talk.answers == [service.FALLBACK]


def test_a_number_without_a_flow_has_no_ai(acme: Tenant, frozen: clock.FrozenClock) -> None:
    talk = open_talk(acme.org_id, frozen)
    heard = talk.hear("Hi")
    _change(talk, flow_id="0190a0b0-0000-7000-8000-000000000000")
    talk.answer(heard)
    assert talk.answers == []


def test_a_tool_hands_over_to_a_person(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = use_writer(
        monkeypatch,
        Answer(calls=[ToolCall("assign_to_human", {"reason": "a refund"})]),
        Answer("A person comes."),
    )
    talk.answer(talk.hear("Refund!"))
    after = talk.conversation
    assert talk.answers == ["A person comes."]
    assert (after.ai_paused, after.needs_attention) == (True, True)
    assert after.metadata["escalation_reason"] == "a refund"
    assert writer.prompts[1].results[0].done
    kinds = [entry.kind for entry in store.list_activity(talk.org_id, talk.id, 10, None)[0]]
    assert "escalated" in kinds


def test_a_conversation_closes_after_the_answer(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    use_writer(monkeypatch, Answer(calls=[ToolCall("close_conversation", {})]), Answer("Bye!"))
    talk.answer(talk.hear("That is all, thanks"))
    assert (talk.answers, talk.conversation.status) == (["Bye!"], ConversationStatus.CLOSED)


def test_outcomes_are_checked_and_kept(
    acme: Tenant, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = {
        "type": "object",
        "properties": {"rating": {"$ref": "#/$defs/one"}},
        "$defs": {"one": {"type": "integer"}},
    }
    talk = open_talk(acme.org_id, frozen, outcome_schema=schema)
    use_writer(monkeypatch, Answer(calls=[ToolCall("report_outcomes", {"outcomes": {"rating": 5}})]), Answer("Thanks!"))
    talk.answer(talk.hear("Five stars"))
    assert talk.conversation.metadata["outcomes"] == {"rating": 5}
    assert "outcome_errors" not in talk.conversation.metadata
    use_writer(monkeypatch, Answer(calls=[ToolCall("report_outcomes", {"outcomes": {"rating": "a"}})]), Answer())
    talk.answer(talk.hear("Six", pause=60))
    assert talk.conversation.metadata["outcome_errors"]


def test_a_follow_up_is_scheduled_once(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    call = ToolCall("schedule_follow_up", {"text": "How was it?", "minutes": 60})
    use_writer(monkeypatch, Answer(calls=[call]), Answer("I will ask you later."))
    heard = talk.hear("Ask me tomorrow")
    talk.answer(heard)
    talk.answer(heard)
    places = store.SCHEDULED_LISTING.places(talk.org_id, {"status": ["pending"]}, 10)
    (found,) = [store.SCHEDULED.get_object(talk.org_id, place.partition("#")[2]) for place in places]
    assert found
    assert (found.body, found.reason) == ("How was it?", ScheduleReason.AI_FOLLOW_UP)


def test_a_busy_model_is_asked_later_and_then_a_person(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    use_writer(monkeypatch, ThrottledError("busy"))
    heard = talk.hear("Hi")
    talk.answer(heard)
    assert talk.answers == []
    service.reply_to_texts(talk.job(heard, tries=19))
    assert talk.answers == [service.FALLBACK]
    assert talk.conversation.ai_paused


def test_a_model_that_fails_leaves_the_contact_to_a_person(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    use_writer(monkeypatch, RefusedError("no answer"))
    talk.answer(talk.hear("Hi"))
    assert talk.answers == [service.FALLBACK]
    assert talk.conversation.metadata["escalation_reason"] == "model_failed"


def test_two_machines_stop_soon(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    use_writer(monkeypatch, Answer("How can I help?"))
    for _ in range(30):
        talk.answer(talk.hear("I did not understand you.", pause=30))
        if talk.conversation.ai_paused:
            break
    assert len(talk.answers) <= 4
    assert talk.conversation.metadata["escalation_reason"] == "loop"


def test_a_writer_that_only_calls_tools_is_stopped(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = use_writer(monkeypatch, Answer(calls=[ToolCall("unknown", {})]))
    talk.answer(talk.hear("Hi"))
    assert len(writer.prompts) == writing.MAX_ROUNDS + 1
    assert writer.prompts[-1].is_last
    assert talk.answers == [service.FALLBACK]


def test_a_long_conversation_needs_no_secret(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    use_writer(monkeypatch, Answer("Yes."))
    for number in range(turns.MAX_LINES + 2):
        heard = talk.hear(f"Text {number}", pause=400)
    monkeypatch.delenv("SWITCHBOARD_ROOT_SECRET")
    talk.answer(heard)
    assert talk.answers == ["Yes."]


def test_a_turn_ends_before_the_function_is_stopped(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = use_writer(monkeypatch, Answer(calls=[ToolCall("unknown", {})]))
    write = writer.reply

    def slow(prompt: Any) -> Answer:
        talk.time.advance(seconds=45)
        return write(prompt)

    monkeypatch.setattr(writer, "reply", slow)
    talk.answer(talk.hear("Hi"))
    assert len(writer.prompts) == 2
    assert talk.answers == [service.FALLBACK]


def test_the_daily_limit_of_the_model_leaves_a_person(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    use_writer(monkeypatch, Answer("Yes."))
    monkeypatch.setattr(writing, "MODEL_REPLIES_PER_DAY", 1)
    talk.answer(talk.hear("One"))
    talk.answer(talk.hear("Two", pause=60))
    assert talk.answers == ["Yes.", service.FALLBACK]


def test_the_window_counts_turns_with_and_without_an_answer(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = use_writer(monkeypatch, *[Answer(f"Answer {number}" if number % 2 else None) for number in range(40)])
    for number in range(guards.MAX_TURNS + 2):
        talk.answer(talk.hear(f"Question {number}", pause=10))
    assert (len(writer.prompts), len(talk.answers)) == (guards.MAX_TURNS, guards.MAX_TURNS // 2)
    assert talk.conversation.metadata["escalation_reason"] == "reply_limit"


def test_a_follow_up_counts_as_a_turn(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    call = Answer(calls=[ToolCall("schedule_follow_up", {"text": "How was it?", "minutes": 60})])
    writer = use_writer(monkeypatch, *[call, Answer()] * 20)
    for number in range(guards.MAX_TURNS):
        talk.answer(talk.hear(f"Again {number}", pause=10))
    assert len(writer.prompts) == guards.MAX_TURNS
    assert talk.conversation.metadata["escalation_reason"] == "reply_limit"


def test_one_contact_does_not_use_up_the_model(
    acme: Tenant, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MODEL_CALLS_PER_CONTACT", 3)
    writer = use_writer(monkeypatch, Answer(calls=[ToolCall("unknown", {})]), Answer("Yes."))
    first = open_talk(acme.org_id, frozen)
    second = open_talk(acme.org_id, frozen, e164="+12125550101")
    first.answer(first.hear("One"))
    second.answer(second.hear("Two"))
    assert second.answers == ["Yes."]
    second.answer(second.hear("Three", pause=60))
    assert (len(writer.prompts), second.answers[-1]) == (3, service.FALLBACK)
    other = replace(first, contact="+14155550143")
    other.answer(other.hear("Four", pause=60))
    assert other.answers == ["Yes."]


def test_a_text_of_a_campaign_answers_no_question(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    use_writer(monkeypatch, Answer("Yes."))
    heard = talk.hear("Are you open?")
    sale = make_text(talk.conversation, "Sale!", status=MessageStatus.SENT, campaign_id="cmp_1", recipient=0)
    commit(store.new_message_write(sale))
    talk.answer(heard)
    assert talk.answers[-1] == "Yes."
