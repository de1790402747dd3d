"""Keywords in texts, in any spelling, and texts that are none."""

from __future__ import annotations

import time

import pytest

from switchboard.messaging.keywords import KeywordKind, find_carrier_keyword, read_keyword

STOP = (
    *(
        "STOP",
        "stop",
        "Stop",
        "STOP.",
        " stop ",
        "stop!!!",
        "\tSTOP\n",
        '"STOP"',
        "(stop)",
        "STOP \U0001f6d1",
        "*stop*",
    ),
    *("STOPALL", "Stop all", "UNSUBSCRIBE", "unsubscribe.", "CANCEL", "Cancel!", "END", "end.", "QUIT", "quit"),
    *(
        "REVOKE",
        "OPTOUT",
        "OPT OUT",
        "opt-out",
        "Opt  out",
        "\uff33\uff34\uff2f\uff30",
        "s\u200btop",
        "\u202astop\u202c",
        "¡Stop!",
    ),
    *("ALTO", "alto", "Parar", "BAJA", "baja.", "Cancelar", "CANCELAR!", "àlto"),
)
START = ("START", "start", "Start.", "UNSTOP", "unstop", "YES", "yes!", "Yes \U0001f44d")
HELP = ("HELP", "help", "Help?", "HELP!", "INFO", "info", "ayuda", "¿Ayuda?")
NONE = (
    *(
        "stop by at 5",
        "please stop texting me",
        "unsubscribe me",
        "cancel my appointment",
        "quit it lol",
        "Stop please",
    ),
    *("No me escriban mas", "don't stop", "bus stop", "stopped", "nonstop", "the end", "start at 9", "yes please"),
    *("no", "ok", "help me", "info please", "weekend", "", " ", ".", "?!", "\U0001f600", "\U0001f6d1", "\x00"),
    *("can you cancel", "bajar", "en alto", "STOP2", "1", "s.t.o.p.", "opt", "out", "re: stop"),
)


@pytest.mark.parametrize(
    ("kind", "texts"), [(KeywordKind.STOP, STOP), (KeywordKind.START, START), (KeywordKind.HELP, HELP)]
)
def test_a_keyword_is_read_in_any_spelling(kind: KeywordKind, texts: tuple[str, ...]) -> None:
    assert [text for text in texts if getattr(read_keyword(text), "kind", None) is not kind] == []


def test_other_texts_are_no_keywords() -> None:
    assert [text for text in NONE if read_keyword(text)] == []


def test_only_yes_needs_an_opt_out() -> None:
    assert [text for text in (*STOP, *START, *HELP) if read_keyword(text).needs_opt_out] == [  # type: ignore[union-attr]
        "YES",
        "yes!",
        "Yes \U0001f44d",
    ]


def test_a_keyword_names_its_word_and_its_language() -> None:
    found = read_keyword("opt-out!")
    assert found is not None
    assert (found.word, found.spanish) == ("OPT OUT", False)
    spanish = read_keyword("Baja.")
    assert spanish is not None
    assert (spanish.word, spanish.spanish) == ("BAJA", True)


@pytest.mark.parametrize("said", ["STOP", "START", "HELP"])
def test_the_carriers_reading_is_a_keyword(said: str) -> None:
    found = find_carrier_keyword(said)
    assert found is not None
    assert found.kind == said.lower()


def test_an_unknown_reading_of_the_carrier_is_none() -> None:
    assert find_carrier_keyword("LATER") is None


def test_a_long_text_is_read_quickly() -> None:
    began = time.process_time()
    for _ in range(20):
        assert read_keyword("stop " * 20_000) is None
    assert time.process_time() - began < 2
