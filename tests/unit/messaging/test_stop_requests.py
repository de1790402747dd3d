"""Requests for no more texts inside a sentence, and sentences that only look like one."""

from __future__ import annotations

import time

import pytest

from switchboard.messaging.contact_requests import find_request
from switchboard.messaging.stop_requests import asks_to_stop_texting
from switchboard.messaging.unanswered import gets_no_reply
from tests.tables import each
from tests.unit.messaging.desk import make_conversation, make_text

TALK = make_conversation("org_1")

WISHES = (
    *("please stop texting me", "unsubscribe me", "Stop please", "stop it", "Please stop.", "STOP TEXTING ME!!!"),
    *("pls stop", "plz stop txting me", "Stop sending me messages", "stop the texts", "no more texts please"),
    *("Dont text me again", "do not send me any more texts", "dnt txt me", "u need to stop", "take me off your list"),
    *("Remove me from this list", "remove my number", "I don't want these messages anymore", "leave me alone"),
    *("I revoke my consent", "opt me out", "lose my number", "I no longer want to receive texts from you"),
    *(
        "Who is this? Stop texting this number",
        "wrong number, stop msging me",
        "unsub",
        "quit texting me",
        "no more msgs",
    ),
    *(
        "don't text me, call me",
        "Stop\nSent from my iPhone",
        "Hi,\nthanks but no.\nStop",
        "\U0001f6d1",
        "\U0001f6d1\ufe0f",
    ),
    *("No me escriban mas", "No me escriban más", "no me manden mas mensajes", "dejen de mandarme mensajes"),
    *("Ya no quiero recibir mensajes", "basta", "No más mensajes", "quítenme de la lista", "déjenme en paz"),
    *("deme de baja", "por favor dejen de escribirme", "no me envien nada", "STOP STOP STOP", "stop now"),
    *("please stop \U0001f64f", "STOP TEXTING ME \U0001f621\U0001f621", "st\u200bop texting me", "End"),
)
OTHERS = (
    *("stop by at 5", "cancel my appointment", "quit it lol", "I can't stop laughing", "The bus stop is closed"),
    *("Can you stop by tomorrow?", "I quit my job", "Where does it end?", "don't stop believing", "yes", "ok thanks"),
    *("Please text me the address", "Don't call me, text me", "don't call, just text", "I'll text you later"),
    *(
        "dont text and drive",
        "Do you stop at red lights",
        "Cancel the order for Friday",
        "I need help with my end date",
    ),
    *("don't forget to text me", "When do you stop serving lunch?", "is it over at 5", "start without me"),
    *("Puedo parar en la tienda?", "Quiero cancelar mi cita", "mas tarde por favor", "La planta baja", "si gracias"),
    *("No me llamen, mejor escriban", "\U0001f600\U0001f600", "", "   ", "1", "Non-stop flight at 9?", "no problem"),
    *("please don't text me before nine", "The next stop is ours", "Nice, thanks!", "How do I stop my order?"),
    *("Please stop by the office", "Please don't stop texting me", "My message did not go out, did it?"),
)


@pytest.mark.parametrize("text", WISHES)
def test_a_request_is_recognized(text: str) -> None:
    assert asks_to_stop_texting(text)
    assert asks_to_stop_texting(f"  {text}  ")


@pytest.mark.parametrize("text", OTHERS)
def test_other_texts_are_not_taken_for_a_request(text: str) -> None:
    assert not asks_to_stop_texting(text)


def test_the_end_of_a_long_text_counts() -> None:
    assert asks_to_stop_texting("The sofa came late. " * 400 + "Stop texting me")
    assert asks_to_stop_texting("Stop texting me. " + "The sofa came late. " * 400)


GROWING = (
    *("stop ", "dont text me ", "dont call me a b ", "no me manden ", "stop sending me all the ", "no ", "\n", "u "),
    *(
        "never get ",
        "never want get ",
        "please ",
        "cancel my ",
        "stop. ",
        "i dont want ",
        "ok stop now ",
        "stopp",
        "sto",
    ),
    *(
        "liked \u201c",
        "\u201c",
        "you stop sending ",
        "- ",
        "\U0001f6d1 x",
        "wrong number of ",
        "im driving ",
        "a",
        "i ",
    ),
)


def _measure_time(body: str) -> float:
    """The shortest processor time of several runs."""
    message = make_text(TALK, body, direction="inbound")
    times = []
    for _ in range(2):
        began = time.process_time()
        find_request(body, None, yes_counts=False)
        gets_no_reply(message)
        times.append(time.process_time() - began)
    return min(times)


@each("words", GROWING)
def test_the_time_grows_with_the_length_alone(words: str) -> None:
    """A pattern that goes back and forth takes 16 times as long for four times the text, or longer."""
    short, long = ((words * 1_600)[:length] for length in (400, 1_600))
    assert _measure_time(long) < 8 * _measure_time(short) + 0.002


@each("words", GROWING[::5])
def test_a_very_long_text_takes_no_longer_than_a_long_one(words: str) -> None:
    long, very_long = ((words * 16_000)[:length] for length in (1_600, 16_000))
    assert _measure_time(very_long) < 4 * _measure_time(long) + 0.02
