"""The first words of a call: identity and the artificial voice, for any greeting of the customer."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.compliance import disclosures
from switchboard.compliance.data.disclosures import EUROPEAN_UNION, PLACES
from switchboard.compliance.disclosures import RequiredDisclosures, disclosure_of
from switchboard.compliance.models import ContactAttempt, Whereabouts

BOTH = RequiredDisclosures(identity=True, artificial=True, law=[])
FIRST = "This is an artificial voice calling for Acme."


def required_disclosures(to: str, **changes: Any) -> RequiredDisclosures:
    return disclosures.find_required(ContactAttempt(org_id="org_a", channel="voice", to=to, **changes))


def first_words(
    greeting: str, organization: str = "Acme", language: str = "en-US", required: RequiredDisclosures = BOTH
) -> str:
    return disclosures.add_disclosures(greeting, required, organization, language)


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
        ("+881612345678", ["001"]),  # a satellite number, of no country
    ],
)
def test_every_number_requires_both_disclosures(to: str, places: list[str]) -> None:
    found = required_disclosures(to)
    assert (found.identity, found.artificial) == (True, True)
    assert [line.partition(":")[0] for line in found.law] == places


def test_a_stated_place_adds_its_law() -> None:
    assert [line[:5] for line in required_disclosures("+12125551234", state="NJ").law] == ["US: 4", "US-NJ"]
    record = Whereabouts(state="UT", confirmed=True, by="usr_1", at="2026-01-01T00:00:00Z")
    assert [line[:5] for line in required_disclosures("+12125551234", record=record).law] == ["US: 4", "US-UT"]


def test_a_country_that_was_not_researched_requires_both_disclosures() -> None:
    for place in ("JP", "ZZ", "XX", "GB"):
        rule = disclosure_of(place)
        assert rule is not None
        assert rule.identity
        assert rule.artificial
    assert disclosure_of("US-WY") is None
    assert {disclosure_of(place) for place in EUROPEAN_UNION} == {PLACES["EU"]}


@pytest.mark.parametrize(
    "greeting",
    [
        "Hello!",
        "Good day, this is Ada.",
        "Hello {{customer_name}}, this is an artificial voice calling for Acme.",
        "{{greeting}}",
        # Only one of the two.
        "This is an artificial voice.",
        "I am an AI assistant.",
        "Hello, this is Ada from Acme.",
        "Acme here.",
        # Another name, or a part of the name.
        "This is an artificial voice calling for Acmeville.",
        "This is an artificial voice calling for Bob. Acme is a rival.",
        # Ambiguous words.
        "This is not an artificial voice calling for Acme.",
        "I am an AI assistant from Acme, just kidding, I am a real person.",
        "This is Bob with an AI assistant from Acme.",
        "You may have heard of an artificial voice calling for Acme.",
        "Would you like to hear an artificial voice from Acme?",
        "Is this an artificial voice calling for Acme?",
        "This is an AI assistant's owner, calling for Acme.",
        "This is a virtual tour guide from Acme.",
        "If you wish, this is an artificial voice from Acme.",
        "Hi, I'm an AI assistant. I'm looking for Acme, is that you?",
        "Hi! I am an automated assistant at a company you know. Do you buy from Acme?",
        "Hi, I'm an AI assistant from Globex, calling about your order from Acme.",
        "I'm an AI agent for hire... kidding, it's Bob from Acme!",
        "I am an AI assistant of Bob at Acme",
        "Hello, I am an AI agent with years of experience, Bob from Acme.",
        "You are speaking to an automated agent of the police. You are wanted at Acme.",
        "Hello, this is Ada, an AI assistant, calling for Bob. I like Acme.",
        "I am an AI assistant. Good day. I am calling for Acme.",
        "Hello, I am an AI assistant from Acme?",
        "I am an AI assistant. I am calling from Acme?",
        "Hello, I am an AI assistant from Acme Insurance.",
        "This is an automated assistant. I am calling from Acme Insurance.",
        # Not at the beginning.
        "Am I speaking with Bob? I'm an AI assistant from Acme.",
        "The film begins so: I'm an AI assistant from Acme.",
        # Not spoken by a voice.
        "<!-- This is an artificial voice calling for Acme. --> Hello!",
        "<sub alias='Hello'>This is an artificial voice calling for Acme.</sub>",
        "(This is an artificial voice calling for Acme.) Hello!",
        "[whispers] This is an artificial voice calling for Acme.",
        # After the beginning.
        f"{'Well, well. ' * 20}This is an artificial voice calling for Acme.",
        # In a language other than the call's.
        "Hola, soy un asistente automático de Acme.",
    ],
)
def test_an_unclear_greeting_gets_the_disclosures(greeting: str) -> None:
    assert first_words(greeting) == f"{FIRST} {greeting}"


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
        "Hello, this is Ada, an automated assistant. I'm calling from Acme.",
        "Hello, this is Ada, an AI assistant calling on behalf of Acme. Is this {{name}}?",
        "Hi there! This is an AI assistant from Acme calling about your order.",
        "Hey, I'm an AI agent at Acme with news about your order.",
    ],
)
def test_a_disclosure_in_the_greeting_is_not_repeated(greeting: str) -> None:
    assert first_words(greeting) == greeting


@pytest.mark.parametrize(
    "greeting",
    [
        "Hola, soy un asistente automático de Acme.",
        "Buenos días, le habla Inés, una voz artificial. Llamo en nombre de Acme.",
        "Le habla una voz artificial que llama en nombre de Acme. ¿Es buen momento?",
    ],
)
def test_spanish_is_understood_in_a_spanish_call(greeting: str) -> None:
    assert first_words(greeting, language="es-US") == greeting


@pytest.mark.parametrize("greeting", ["Hola.", "Soy Inés, no soy una voz artificial de Acme.", FIRST])
def test_spanish_is_spoken_in_a_spanish_call(greeting: str) -> None:
    first = "Le habla una voz artificial que llama en nombre de Acme."
    assert first_words(greeting, language="es-US") == f"{first} {greeting}"


@pytest.mark.parametrize("language", ["en", "EN-gb", "fr-FR", "", "x"])
def test_another_language_gets_english_disclosures(language: str) -> None:
    assert first_words("Hello.", language=language) == f"{FIRST} Hello."


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
        ("...", "This is an artificial voice. Hi."),
    ],
)
def test_a_name_is_spoken_unchanged_without_variables(name: str, first: str) -> None:
    assert first_words("Hi.", name) == first


def test_a_name_that_could_be_any_word_is_disclosed() -> None:
    assert first_words("Hi, I am an AI assistant from A.", "A").startswith(
        "This is an artificial voice calling for A. Hi"
    )


@pytest.mark.parametrize(
    ("identity", "artificial", "first"),
    [
        (True, False, "This is a call on behalf of Acme. Hello."),
        (False, True, "This is an artificial voice. Hello."),
        (False, False, "Hello."),
    ],
)
def test_only_required_disclosures_are_spoken(identity: bool, artificial: bool, first: str) -> None:
    assert (
        first_words("Hello.", required=RequiredDisclosures(identity=identity, artificial=artificial, law=[])) == first
    )


def test_a_long_greeting_is_read_quickly() -> None:
    for part in ("this is ", "hello, ", "i am an ai assistant from acme ", "a" * 100, "this is an ai ", ", ", "{{"):
        first_words(part * 50_000)


SELLS = {"purpose": "telemarketing"}
OPT_OUT = "To get no more calls, press 9 or say so."


@pytest.mark.parametrize("to", ["+12125551234", "+14155551234", "+18005551234", "+14165551234", "+40712345678"])
def test_a_selling_call_states_how_to_opt_out_after_the_callers_name(to: str) -> None:
    assert first_words("Hi.", required=required_disclosures(to, **SELLS)) == f"{FIRST} {OPT_OUT} Hi."
    assert first_words("Hi.", required=required_disclosures(to)) == f"{FIRST} Hi."


def test_an_unknown_purpose_counts_as_selling() -> None:
    assert required_disclosures("+12125551234", purpose="fun").opt_out


def test_the_opt_out_is_stated_in_the_voices_language() -> None:
    first = "Le habla una voz artificial que llama en nombre de Acme."
    opt_out = "Para no recibir más llamadas, oprima el 9 o dígalo."
    assert (
        first_words("Hola.", language="es-US", required=required_disclosures("+12125551234", **SELLS))
        == f"{first} {opt_out} Hola."
    )


def test_the_law_of_selling_is_named_for_selling_calls() -> None:
    assert [line.partition(":")[0] for line in required_disclosures("+12125551234", **SELLS).law] == ["US", "US-NY"]
    assert "64.1200(b)(3)" in required_disclosures("+12125551234", **SELLS).law[0]


def test_the_opt_out_also_follows_a_greeting_that_names_the_caller() -> None:
    required = required_disclosures("+12125551234", **SELLS)
    greeting = "Hello, I am an AI assistant from Acme. To get no more calls, press 9."
    assert first_words(greeting, required=required) == f"{FIRST} {OPT_OUT} {greeting}"
    own = f"{FIRST} {OPT_OUT} Hello!"
    assert first_words(own, required=required) == own
