"""The simulated carrier of texts: its reports, its people, and their limits."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from switchboard.carriers.magic_numbers import TEXT_OUTCOMES, TextOutcome
from switchboard.carriers.messages.ports.messenger import OutgoingText, TextRefusedError, ThrottledError
from switchboard.carriers.messages.simulator import SimulatedMessenger, forms, people, state
from switchboard.carriers.voice.simulator.forms import SimulatedForm
from switchboard.compliance import phone
from switchboard.kit import clock, ids
from tests.integration.sabotage import drain_queue

ORG, OURS, ANYBODY = "org_acme", "+14155550199", "+14155550142"
MAGIC = {outcome: number for number, outcome in TEXT_OUTCOMES.items()}


@pytest.fixture(autouse=True)
def _no_delays(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_TEXTS_STEP_SECONDS", "0")


def make_text(to: str = ANYBODY, body: str = "Hello.", **facts: Any) -> OutgoingText:
    return OutgoingText(
        org_id=ORG,
        conversation_id=facts.pop("conversation_id", f"cnv_{'1' * 26}"),
        message_id=ids.new_id("sms"),
        number_id="num_1",
        from_number=OURS,
        to_number=to,
        body=body,
        **facts,
    )


def hand_over(text: OutgoingText) -> list[tuple[str, dict[str, str]]]:
    """Hands a text over. Returns the paths and forms that are queued for it."""
    SimulatedMessenger().send_text(text)
    return [(body["path"], body["text_form"]) for body in drain_queue("simulator")]


def told(text: OutgoingText) -> list[tuple[str | None, str | None, str | None]]:
    """The status, code and body of each form that follows a text."""
    return [(form.get("MessageStatus"), form.get("ErrorCode"), form.get("Body")) for _, form in hand_over(text)]


@pytest.mark.parametrize(
    ("outcome", "forms_told"),
    [
        (TextOutcome.SAYS_YES, [("sent", None, None), ("delivered", None, None), (None, None, "yes")]),
        (TextOutcome.SAYS_STOP, [("sent", None, None), ("delivered", None, None), (None, None, "STOP")]),
        (TextOutcome.SAYS_NOTHING, [("sent", None, None), ("delivered", None, None)]),
        (TextOutcome.UNDELIVERED, [("sent", None, None), ("undelivered", "30003", None)]),
        (
            TextOutcome.ASKS_TO_STOP,
            [("sent", None, None), ("delivered", None, None), (None, None, "please stop texting me")],
        ),
    ],
)
def test_magic_numbers_answer_as_people_do(outcome: TextOutcome, forms_told: list[tuple[str | None, ...]]) -> None:
    assert told(make_text(MAGIC[outcome], "Are you coming?")) == forms_told


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (TextOutcome.CARRIER_BLOCKS, 21610),
        (TextOutcome.INVALID, 21211),
        (TextOutcome.NO_ROUTE, 21612),
        (TextOutcome.NOT_A_MOBILE, 21614),
    ],
)
def test_some_magic_numbers_are_refused_at_once(outcome: TextOutcome, code: int) -> None:
    text = make_text(MAGIC[outcome])
    with pytest.raises(TextRefusedError) as refused:
        SimulatedMessenger().send_text(text)
    assert refused.value.code == code
    assert drain_queue("simulator") == []
    assert SimulatedMessenger().find_text(text, clock.now()) is None


def test_a_carrier_that_is_down_takes_no_text() -> None:
    with pytest.raises(ThrottledError):
        SimulatedMessenger().send_text(make_text(MAGIC[TextOutcome.CARRIER_DOWN]))


def test_every_magic_number_of_texts_reaches_nobody() -> None:
    assert set(TEXT_OUTCOMES.values()) == set(TextOutcome)
    assert all(phone.parse(number).reaches_nobody for number in TEXT_OUTCOMES)


def test_the_reports_go_to_the_text_and_the_answer_to_the_number() -> None:
    text = make_text(MAGIC[TextOutcome.SAYS_YES])
    (sent, form), (end, _), (answer, said) = hand_over(text)
    assert sent == end == f"/twilio/sms/messages/{ORG}/{text.conversation_id}/{text.message_id}"
    assert answer == "/twilio/sms/num_1"
    assert (said["From"], said["To"], said["NumMedia"]) == (text.to_number, OURS, "0")
    assert (form["MessageSid"], form["From"]) == (SimulatedMessenger().send_text(text).provider_sid, OURS)


def test_only_the_end_of_a_text_of_a_campaign_is_told() -> None:
    text = make_text(campaign=True)
    assert [(path.endswith("/campaign"), form["MessageStatus"]) for path, form in hand_over(text)] == [
        (True, "delivered")
    ]


def test_a_text_can_be_found_by_its_id_only_after_its_hand_over(
    frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_TEXTS_STEP_SECONDS", "1")
    messenger, text = SimulatedMessenger(), make_text(MAGIC[TextOutcome.UNDELIVERED])
    assert messenger.find_text(text, clock.now()) is None
    sid = messenger.send_text(text).provider_sid
    assert messenger.find_text(text, clock.now()) == (sid, "sent", None)
    frozen.advance(seconds=2)
    assert messenger.find_text(text, clock.now()) == (sid, "undelivered", 30003)
    assert messenger.find_text(replace(text, message_id=ids.new_id("sms")), clock.now()) is None


def test_a_second_hand_over_of_a_text_is_counted() -> None:
    text = make_text()
    for _ in range(2):
        SimulatedMessenger().send_text(text)
    taken = state.find_taken_text(ORG, text.message_id)
    assert taken is not None
    assert taken.hand_overs == 2


def test_other_people_answer_some_questions_and_nothing_else() -> None:
    people_asked = [f"+1415555{number:04d}" for number in range(100, 400)]
    answers = Counter(people.choose_answer(number, "Shall we meet on Friday?") for number in people_asked)
    assert 150 < answers.pop(None) < 250
    assert len(answers) > 3
    assert not any("?" in str(answer) for answer in answers)
    assert {people.choose_answer(number, "See you on Friday.") for number in people_asked} == {None}


def test_nobody_answers_the_confirmation_of_an_opt_out() -> None:
    confirmation = "You are unsubscribed and get no more texts. Reply START to get them again?"
    assert people.choose_answer(MAGIC[TextOutcome.SAYS_STOP], confirmation) is None
    assert people.choose_answer(MAGIC[TextOutcome.SAYS_YES], confirmation) is None


def test_a_person_stops_answering_a_machine(frozen: clock.FrozenClock) -> None:
    posted: list[str] = []
    message = forms.answer_message(make_text(MAGIC[TextOutcome.SAYS_YES], "Again?"), "yes", 0)

    def receive(form: SimulatedForm) -> str:
        posted.append(form.path)
        return ""

    def answer(times: int) -> int:
        for _ in range(times):
            forms.handle_message(message.body, receive)
        return len(posted)

    assert answer(state.MAX_ANSWERS + 5) == state.MAX_ANSWERS
    frozen.advance(hours=23)
    assert answer(1) == state.MAX_ANSWERS
    # A day after the first answer the person has new patience, also if the table has not deleted the item yet.
    frozen.advance(hours=1, seconds=1)
    assert answer(1) == state.MAX_ANSWERS + 1


def test_a_repeated_form_has_the_same_ids() -> None:
    text = make_text(MAGIC[TextOutcome.SAYS_YES])
    first, second = hand_over(text), hand_over(text)
    assert first == second
    assert len({form["MessageSid"] for _, form in first}) == 2
