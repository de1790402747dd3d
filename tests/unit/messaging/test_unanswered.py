"""Texts that get no answer: those of machines, reactions, and wrong numbers."""

from __future__ import annotations

from switchboard.messaging.contact_requests import find_request
from switchboard.messaging.models import TextMessage
from switchboard.messaging.unanswered import gets_no_reply, is_automatic, needs_person, says_wrong_number
from tests.tables import each
from tests.unit.messaging.desk import make_conversation, make_text


def came(body: str) -> TextMessage:
    return make_text(make_conversation("org_1"), body, direction="inbound")


AUTOMATIC = (
    *("AUTO-REPLY: I am away", "This is an automated message.", "I am out of the office until Monday"),
    *("Do not reply to this number", "I'm driving right now", "Mensaje autom\u00e1tico"),
    (
        "I\u2019m driving with Do Not Disturb While Driving turned on. I\u2019ll see your message when I "
        "get where I\u2019m going."
    ),
    "(I\u2019m not receiving notifications. If this is urgent, reply \u201curgent\u201d.)",
    "Please don\u2019t reply to this message",
    *("Please don't reply to this text.", "Please do not reply.", "No-reply: your code is 123"),
    "Free Msg: Unable to send message - Message Blocking is active.",
    *("This number does not receive text messages.", "The number you texted cannot receive text messages"),
    *("We are currently closed", "We\u2019re currently closed. Our hours are 9 to 5.", "This inbox is not monitored."),
    *("No responda a este mensaje.", "Estoy conduciendo"),
)
PEOPLE = (
    *(
        "I got no reply",
        "Why no reply?",
        "Still no reply from you",
        "You don't reply to my texts",
        "Why don't you reply?",
    ),
    *("You guys do not reply", "They don\u2019t reply", "We are now closed on the house!"),
    *("Can I reply to this in my office?", "Are you closed on Sunday?", "I do not reply to strangers", "Hello", ""),
    *("We closed the deal", "My phone cannot receive pictures", "Is the number still right?", "stop texting me"),
)


@each("body", AUTOMATIC)
def test_a_machine_is_recognized_by_its_words(body: str) -> None:
    assert is_automatic(came(body))
    assert gets_no_reply(came(body))
    assert not needs_person(body)


@each("body", PEOPLE)
def test_a_person_is_no_machine(body: str) -> None:
    assert not gets_no_reply(came(body))


@each("sender", ["72345", "VERIZONMSG", "Acme", "+1", "unknown"])
def test_a_sender_without_a_telephone_number_is_a_machine(sender: str) -> None:
    assert is_automatic(came("Hello").model_copy(update={"contact_e164": sender}))


@each("body", ["Liked \u201cSee you at 5.\u201d", "\U0001f44d to \u201cSee you at 5.\u201d", "Loved an image"])
def test_a_reaction_gets_no_reply(body: str) -> None:
    assert gets_no_reply(came(body))
    assert not needs_person(body)


WRONG = (
    *("You have the wrong number", "Wrong number", "wrong number!!", "I think you have the wrong person, sorry"),
    *("Sorry, wrong number.", "N\u00famero equivocado", "se equivoc\u00f3 de n\u00famero"),
)
RIGHT = (
    *(
        "wrong number of items in my order",
        "I gave you the wrong number, mine is 555-0101",
        "the order number is wrong",
    ),
    *("wrong number on my invoice", "Is this the right number?", "what is wrong", "Liked \u201cWrong number?\u201d"),
)


@each("body", WRONG)
def test_a_wrong_number_needs_a_person_and_is_no_opt_out(body: str) -> None:
    assert says_wrong_number(body)
    assert needs_person(body)
    assert gets_no_reply(came(body))
    assert find_request(body, None, yes_counts=False) is None


@each("body", RIGHT)
def test_other_numbers_are_not_taken_for_a_wrong_number(body: str) -> None:
    assert not says_wrong_number(body)
    assert not needs_person(body)


def test_a_dislike_needs_a_person() -> None:
    assert needs_person("Disliked \u201cSale! Text STOP to stop texts\u201d")
