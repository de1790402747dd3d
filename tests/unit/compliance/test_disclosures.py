"""What is said first: identity and the artificial voice, whatever greeting a customer has."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.compliance import disclosures
from switchboard.compliance.data.disclosures import EUROPEAN, PLACES, rule_of
from switchboard.compliance.disclosures import Required
from switchboard.compliance.models import Contact, Whereabouts

BOTH = Required(identity=True, artificial=True, law=[])
FIRST = "This is an artificial voice calling for Acme."


def needs(to: str, **changes: Any) -> Required:
    return disclosures.required(Contact(org_id="org_a", channel="voice", to=to, **changes))


def said(greeting: str, organization: str = "Acme", language: str = "en-US", required: Required = BOTH) -> str:
    return disclosures.greeting(greeting, required, organization, language)


@pytest.mark.parametrize(
    ("to", "places"),
    [
        ("+14155551234", ["US", "US-CA"]),
        ("+12125551234", ["US"]),
        ("+12075551234", ["US", "US-ME"]),
        ("+18005551234", ["US"]),
        ("+14165551234", ["CA"]),
        ("+40712345678", ["RO"]),
        ("+81312345678", ["JP"]),
        ("+881612345678", ["001"]),  # a satellite's, of no country
    ],
)
def test_every_number_asks_for_both(to: str, places: list[str]) -> None:
    found = needs(to)
    assert (found.identity, found.artificial) == (True, True)
    assert [line.partition(":")[0] for line in found.law] == places


def test_where_somebody_is_said_to_be_adds_its_law() -> None:
    assert [line[:5] for line in needs("+12125551234", state="NJ").law] == ["US: 4", "US-NJ"]
    record = Whereabouts(state="UT", confirmed=True, by="usr_1", at="2026-01-01T00:00:00Z")
    assert [line[:5] for line in needs("+12125551234", record=record).law] == ["US: 4", "US-UT"]


def test_a_place_that_nobody_looked_up_asks_for_both() -> None:
    for place in ("JP", "ZZ", "XX", "GB"):
        rule = rule_of(place)
        assert rule is not None
        assert rule.identity
        assert rule.artificial
    assert rule_of("US-WY") is None
    assert {rule_of(place) for place in EUROPEAN} == {PLACES["EU"]}


@pytest.mark.parametrize(
    "greeting",
    [
        "Hello!",
        "Good day, this is Ada.",
        "Hello {{customer_name}}, this is an artificial voice calling for Acme.",
        "{{greeting}}",
        # One of both.
        "This is an artificial voice.",
        "I am an AI assistant.",
        "Hello, this is Ada from Acme.",
        "Acme here.",
        # Another's name, or a part of a name.
        "This is an artificial voice calling for Acmeville.",
        "This is an artificial voice calling for Bob. Acme is a rival.",
        # What may mean something else.
        "This is not an artificial voice calling for Acme.",
        "I am an AI assistant from Acme, just kidding, I am a real person.",
        "This is Bob with an AI assistant from Acme.",
        "You may have heard of an artificial voice calling for Acme.",
        "Would you like to hear an artificial voice from Acme?",
        "Is this an artificial voice calling for Acme?",
        "This is an AI assistant's owner, calling for Acme.",
        "This is a virtual tour guide from Acme.",
        "If you wish, this is an artificial voice from Acme.",
        # What no voice speaks.
        "<!-- This is an artificial voice calling for Acme. --> Hello!",
        "<sub alias='Hello'>This is an artificial voice calling for Acme.</sub>",
        "(This is an artificial voice calling for Acme.) Hello!",
        "[whispers] This is an artificial voice calling for Acme.",
        # Behind the beginning.
        f"{'Well, well. ' * 20}This is an artificial voice calling for Acme.",
        # In a language that the call is not in.
        "Hola, soy un asistente automático de Acme.",
    ],
)
def test_what_is_unclear_is_said(greeting: str) -> None:
    assert said(greeting) == f"{FIRST} {greeting}"


@pytest.mark.parametrize(
    "greeting",
    [
        FIRST,
        "Hello, this is an artificial voice calling for Acme. How are you, {{name}}?",
        "Hi, I'm an AI assistant from ACME.",
        "Hello, this is Ada, an automated assistant calling for Acme.",
        "Good morning! My name is Ada, an AI agent with Acme. Is now a good time?",
        "You are speaking with an AI voice agent on behalf of Acme.",
        "This is an automated assistant. I am calling for Acme.",
    ],
)
def test_what_a_greeting_says_itself_is_not_said_twice(greeting: str) -> None:
    assert said(greeting) == greeting


@pytest.mark.parametrize(
    "greeting",
    [
        "Hola, soy un asistente automático de Acme.",
        "Buenos días, le habla Inés, una voz artificial. Llamo en nombre de Acme.",
    ],
)
def test_spanish_is_understood_in_a_spanish_call(greeting: str) -> None:
    assert said(greeting, language="es-US") == greeting


@pytest.mark.parametrize("greeting", ["Hola.", "Soy Inés, no soy una voz artificial de Acme.", FIRST])
def test_spanish_is_said_in_a_spanish_call(greeting: str) -> None:
    first = "Le habla una voz artificial que llama en nombre de Acme."
    assert said(greeting, language="es-US") == f"{first} {greeting}"


@pytest.mark.parametrize("language", ["en", "EN-gb", "fr-FR", "", "x"])
def test_another_language_is_english(language: str) -> None:
    assert said("Hello.", language=language) == f"{FIRST} Hello."


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Acme Inc.", "This is an artificial voice calling for Acme Inc. Hi."),
        ("  Big \n  Acme ", "This is an artificial voice calling for Big Acme. Hi."),
        ("{{name}}", "This is an artificial voice calling for name. Hi."),
        ("株式会社", "This is an artificial voice calling for 株式会社. Hi."),
        ("{}", "This is an artificial voice. Hi."),
        ("Acme <break time='9s'/>", "This is an artificial voice calling for Acme break time='9s'/. Hi."),
        ("A", "This is an artificial voice calling for A. Hi."),
    ],
)
def test_a_name_is_said_as_it_is_and_no_variable_stands_in_it(name: str, first: str) -> None:
    assert said("Hi.", name) == first


def test_a_name_that_could_be_any_word_is_said() -> None:
    assert said("Hi, I am an AI assistant from A.", "A").startswith("This is an artificial voice calling for A. Hi")


@pytest.mark.parametrize(
    ("identity", "artificial", "first"),
    [
        (True, False, "This is a call on behalf of Acme. Hello."),
        (False, True, "This is an artificial voice. Hello."),
        (False, False, "Hello."),
    ],
)
def test_only_what_is_asked_for_is_said(identity: bool, artificial: bool, first: str) -> None:
    assert said("Hello.", required=Required(identity=identity, artificial=artificial, law=[])) == first


def test_a_long_greeting_is_read_in_no_time() -> None:
    for part in ("this is ", "a" * 100, "this is an ai ", ", ", "{{"):
        said(part * 50_000)
