"""The text of a message for a machine: who calls, and a number to call."""

from __future__ import annotations

import pytest

from switchboard.compliance import machine_messages
from switchboard.compliance.disclosures import RequiredDisclosures

NEEDS = RequiredDisclosures(identity=False, artificial=True, law=[], opt_out=True)


@pytest.mark.parametrize(
    "text",
    [
        "Call 800-555-0199.",
        "Call 1 (888) 555 0199.",
        "Call +18775550199, please.",
        "Call 8 4 4, 5 5 5, 0 1 9 9.",
        "Call 8-3-3 5550199",
    ],
)
def test_a_toll_free_number_is_found(text: str) -> None:
    assert machine_messages.names_toll_free_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Call us.",
        "Call 415-555-0199.",
        "SAVE 800 DOLLARS",
        "800 555",
        "Call 4180055501990.",
        "811 555 0199",
        "1834 555 0199",
    ],
)
def test_other_texts_have_none(text: str) -> None:
    assert not machine_messages.names_toll_free_number(text)


@pytest.mark.parametrize(
    ("text", "number", "language", "message"),
    [
        (
            "We moved",
            "+14155552671",
            "en-US",
            "This is an artificial voice calling for Acme. We moved. Our telephone number is 4 1 5, 5 5 5, 2 6 7 1.",
        ),
        (
            "Nos mudamos.",
            "+14155552671",
            "es-US",
            (
                "Le habla una voz artificial que llama en nombre de Acme. Nos mudamos."
                " Nuestro número de teléfono es 4 1 5, 5 5 5, 2 6 7 1."
            ),
        ),
        (
            "Call 415 555 0142.",
            "+14155552671",
            "en-US",
            "This is an artificial voice calling for Acme. Call 415 555 0142.",
        ),
        (
            "We moved.",
            "+442079460018",
            "en-GB",
            (
                "This is an artificial voice calling for Acme. We moved."
                " Our telephone number is 4 4 2, 0 7 9, 4 6 0, 0 1 8."
            ),
        ),
    ],
)
def test_a_message_names_the_caller_and_a_number(text: str, number: str, language: str, message: str) -> None:
    assert machine_messages.write_message(text, NEEDS, "Acme", number, language) == message
