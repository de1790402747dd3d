"""Who asks for no more calls, in which words."""

from __future__ import annotations

import time

import pytest

from switchboard.compliance.wishes import asks_to_stop

WISHES = """
Stop calling me.
please STOP calling
Can you stop, calling this number?
I want you to stop calling my house
Quit calling here!
Would you please quit bothering me?
Please don't call me again.
Please don\u2019t call me anymore
Do not call me
don't call
Don't ever call me again, I mean it
Don't call this number again.
Never call me again
don't call me at work or anywhere
No more calls, please.
No more sales calls.
Take me off your list.
please take my number off your calling list
take us off of the list
Remove me from your list
Remove my number
Delete my phone number from your system
Lose my number.
Put me on your do not call list
put this number on the do-not-call registry
Opt me out
I'd like to opt out of these calls
I'm opting out.
unsubscribe
Leave me alone!
I don't want any more calls
I do not want to be called
I don't want to receive these calls
I no longer wish to receive your messages
I don't want to hear from you
stop
Stop it!
stop texting me
No me llame más
No me llamen
Por favor, no me vuelva a llamar.
no vuelvan a llamar a este número
Ya no me llamen
Deje de llamarme
dejen de molestar
Paren de llamar
No quiero más llamadas
no quiero recibir sus llamadas
No deseo que me llamen
Quíteme de su lista
Sáquenme de la lista
Bórreme de su lista
Eliminen mi número
Deme de baja
Quiero dar de baja
Déjeme en paz
no más
Alto
basta
""".strip().splitlines()

OTHERS = """
Hello. Who is calling, please?
Yes, but please keep it short.
Please don't stop calling, I like it.
Do not stop calling me
Don't call me before nine.
please don't call me until Monday
Don't call me sir
don't call me a liar
Call me back tomorrow.
Can you call again later?
Stop by the office any time.
I will stop at the shop and call you.
The bus stop is around the corner.
What is your number?
Is this about the list?
I called you yesterday and nobody answered.
Let me remove my glasses first.
My daughter never calls me.
Nobody called me back.
No, more or less.
It is. Thank you for asking.
How can I opt in?
Me llamo Juan.
No me llamo Pedro
¿Puede llamarme mañana?
Llámeme más tarde.
No me llame antes de las nueve
Quiero hablar con una persona.
La parada está cerca.
""".strip().splitlines()


@pytest.mark.parametrize("text", WISHES)
def test_a_wish_is_heard_in_any_words(text: str) -> None:
    assert asks_to_stop(text)
    assert asks_to_stop(f"Listen, I am at work. {text}. Goodbye.") or text.lower().strip("!. ") in (
        *("stop", "stop it", "no más", "alto", "basta"),
    ), "inside a sentence, too"
    assert asks_to_stop(text.upper())


@pytest.mark.parametrize("text", OTHERS)
def test_what_is_no_wish_is_not_taken_for_one(text: str) -> None:
    assert not asks_to_stop(text)


@pytest.mark.parametrize("words", ["stop ", "dont call me ", "no ", "i dont want to get ", "no quiero ", "take my "])
def test_a_long_turn_takes_no_long_time(words: str) -> None:
    text = words * 100_000
    started = time.process_time()
    for _ in range(20):
        asks_to_stop(text)
    assert time.process_time() - started < 2
