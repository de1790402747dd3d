"""Requests for no more texts inside a sentence, and sentences that only look like one."""

from __future__ import annotations

import time

import pytest

from switchboard.messaging.stop_requests import asks_to_stop_texting

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


@pytest.mark.parametrize(
    "words",
    ["stop ", "dont text me ", "dont call me a b ", "no me manden ", "stop sending me all the ", "no ", "\n", "u "],
)
def test_a_long_text_is_read_quickly(words: str) -> None:
    began = time.process_time()
    for _ in range(20):
        asks_to_stop_texting(words * 20_000)
    assert time.process_time() - began < 2
