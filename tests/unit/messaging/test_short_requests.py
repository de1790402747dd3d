"""Short requests for no more texts, and short texts that only look like one."""

from __future__ import annotations

import pytest

from switchboard.messaging.contact_requests import find_request
from switchboard.messaging.keywords import KeywordKind
from tests.tables import each

STOP_SIGN = "\U0001f6d1"
REQUESTS = (
    # A stop word, and why.
    *(
        "STOP or I will sue",
        "stop I have a lawyer",
        "Stop this is harassment",
        "Stop. Wrong number",
        "Stop who is this",
    ),
    *(
        "STOP!!! WRONG NUMBER",
        "Not interested. Stop",
        "Not interested, stop",
        "Stop, I'm at work",
        "hi, who is this? stop",
    ),
    *("STOP - John", "STOP\n\nJohn Smith\n555-1234", "Stop!!!!! I told you", "stop blowing up my phone", "STOP T"),
    *("unsubscribe, wrong person", "Unsubscribe!!! I never signed up", "Ok stop, not interested", "no thanks stop"),
    # A stop word, and what shall stop.
    *(
        "STOP ALERTS",
        "STOP MARKETING",
        "stop promo",
        "Stop promos",
        "stop reminders",
        "stop notifications",
        "STOPPROMO",
    ),
    *("STOP MSG", "Stop sms", "stop marketing texts", "Cancel my texts", "cancel all texts", "cancel my subscription"),
    *("cancel subscription", "I'd like to cancel these texts", "Cancel these messages please", "Cancel alerts"),
    *("Please cancel my subscription to these texts", "end texts", "stop my subscription", "Stop communication"),
    *("discontinue notifications", "Hello. I want to cancel these messages.", "can you end these texts", "stop these"),
    # A stop word, and politeness.
    *("STOP 2", "STOP 12345", "STOPP", "STOOOP", "Stop thx", "STOP ty", "Stop please and thank you", "Kindly stop"),
    *(
        "CANCEL PLEASE",
        "please cancel",
        "Please cancel. Thanks",
        "END NOW",
        "end please",
        "please end",
        "optout please",
    ),
    *("optout all", "Unsubscribed", "UNSUSCRIBE", "unsubcribe", "Cancel all", "quit all", "End all", "Cancel thanks"),
    *("I revoke", "Revoke all", "revoke please", "REMOVE", "please remove", "remove please", "discontinue", "enough"),
    *("please discontinue", "Terminate", "desist", "Stop2end", "STOP2QUIT", "STOP to end", "Reply STOP", "Text STOP"),
    *("stop asap", "You can stop now", "Not interested. Cancel", "Stopp texting", "Can you stop", "enough already"),
    # Signs.
    *(STOP_SIGN, STOP_SIGN * 2, f" {STOP_SIGN} {STOP_SIGN}\ufe0f{STOP_SIGN}", f"{STOP_SIGN} STOP"),
    # Consent.
    *("Consent revoked", "No longer wish to receive messages", "Nah stop", "OMG, stop", "ugh stop"),
    *("I do not consent to these messages", "I don't consent to receiving texts", "I do not consent"),
    *(
        "I don't want to receive these anymore",
        "I dont want to receive any more",
        "I no longer want to get these anymore",
    ),
    *("Go away", "fuck off", "leave me the f alone"),
    # Spanish.
    *("Stop por favor", "stop ya", "CANCELAR por favor", "cancelar mensajes", "Quiero cancelar los mensajes"),
    *(
        "cancele los mensajes",
        "No quiero recibir m\u00e1s",
        "Ya no quiero recibir nada",
        "DETENER",
        "SALIR",
        "Salir por favor",
    ),
    *(
        "Detener mensajes",
        "parar por favor",
        "ya no me manden",
        "Cancelar suscripci\u00f3n",
        "Quiero detener los mensajes",
    ),
    *("ARR\u00cat", "No molestar", "End these"),
    # A carrier's word, with a signature or a closing.
    *("stop\nSent from my iPhone", "No more promos please"),
)
OTHERS = (
    *("Cancel 2", "Cancel 5pm", "Enough for today, thanks", "Quiero recibir mensajes", "Opt out of dental insurance"),
    *(
        "I got no messages",
        "Why no texts?",
        "No texts came through?",
        "no messages yet",
        "Do you stop sending texts on weekends?",
    ),
    *(
        "don't send anything yet, I'm still deciding",
        "Unsubscribe link is broken",
        "Your unsubscribe page does not load",
    ),
    *(
        "stop by the store",
        "stop in at 5",
        "Stop at the office",
        "stop over tomorrow",
        "Stop off here please",
        "stop the water",
    ),
    *(
        "STOP the truck! wrong address",
        "stop payment on check 123",
        "stop my order",
        "please stop my order",
        "stop charging my card",
    ),
    *(
        "Stop sign is missing",
        "Stop taking the medicine?",
        "Stop where?",
        "stop for gas",
        "Stop to see me",
        "Stop it lol",
    ),
    *("Stop 12 is where I am", "stop and get milk", "stop working on the roof while it rains, then call me about it"),
    *("cancel my appointment", "Please cancel my appointment", "Please cancel. I can't make it tomorrow", "cancel it"),
    *(
        "Yes, cancel",
        "Can I cancel my subscription?",
        "How do I cancel my order",
        "I want to cancel my membership",
        "can you cancel",
    ),
    *(
        "quiero cancelar mi cita",
        "Quiero salir a las 5",
        "la salida",
        "cancelar la cita",
        "No quiero recibir el paquete hoy",
    ),
    *(
        "I have had enough rice",
        "remove the sofa from my order",
        "Please remove it",
        "the end",
        "quit it lol",
        "end it at 5",
    ),
    *(
        "Not interested",
        "No thanks",
        "wrong number of items",
        "I do not consent to the surgery",
        "Where is stop 5",
        "go away for lunch?",
    ),
    *(
        "It's at the next stop.",
        "Don't. Stop by later",
        "never mind, stop the process",
        "I do not want to receive the package on Monday",
    ),
    *(
        "I opted out of the insurance",
        "Do you have a opt out form for vaccines",
        "please don't stop texting me",
        "Don't stop!",
    ),
)


@each("body", REQUESTS)
def test_a_short_request_counts(body: str) -> None:
    for said in (body, body.upper(), f"  {body} \n"):
        found = find_request(said, None, yes_counts=False)
        assert found is not None, said
        assert found.kind is KeywordKind.STOP


@each("body", OTHERS)
def test_other_short_texts_are_no_request(body: str) -> None:
    assert find_request(body, None, yes_counts=False) is None


def test_only_short_texts_count_by_their_first_word() -> None:
    for words, counts in ((8, True), (9, False)):
        found = find_request(" ".join(["stop", *(f"w{place}" for place in range(words - 1))]), None, yes_counts=False)
        assert (found is not None) == counts


@pytest.mark.parametrize("carrier", ["HELP", "START"])
@pytest.mark.parametrize("body", ["please stop texting me", "STOP", "Stop, wrong number"])
def test_the_words_count_if_the_carrier_reads_another_request(carrier: str, body: str) -> None:
    found = find_request(body, carrier, yes_counts=True)
    assert found is not None
    assert (found.kind, found.answered) == (KeywordKind.STOP, False)


def test_the_carrier_counts_otherwise() -> None:
    for carrier, body in (
        ("STOP", "HELP"),
        ("STOP", "hello"),
        ("HELP", "hello"),
        ("START", "please begin"),
        ("HELP", "START"),
    ):
        found = find_request(body, carrier, yes_counts=False)
        assert found is not None
        assert (found.kind.upper(), found.answered) == (carrier, True)
