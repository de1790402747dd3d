"""Recognizes the keywords of texts. Pure.

A keyword is the whole text. Case, accents, punctuation, emoji and surrounding space do not count. The words are those
of carriers (docs/contracts/providers.md#opt-out-keywords), and some Spanish ones. A request inside a sentence is
recognized by `messaging.stop_requests`.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import NamedTuple

from switchboard.kit.texts import plain_words


class KeywordKind(StrEnum):
    """The request of a keyword."""

    STOP = "stop"
    START = "start"
    HELP = "help"


class Keyword(NamedTuple):
    """A keyword: its request, the word in capitals, and whether the word is Spanish."""

    kind: KeywordKind
    word: str
    spanish: bool = False

    @property
    def needs_opt_out(self) -> bool:
        """Whether it is a keyword only after an opt-out. Otherwise it is the answer to some question."""
        return self.word == "YES"


_STOP = ("STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT")
_STOP_SPANISH = ("ALTO", "PARAR", "BAJA", "CANCELAR", "DETENER", "SALIR")
_KEYWORDS = {
    keyword.word.lower(): keyword
    for keyword in (
        *(Keyword(KeywordKind.STOP, word) for word in _STOP),
        *(Keyword(KeywordKind.STOP, word, spanish=True) for word in _STOP_SPANISH),
        *(Keyword(KeywordKind.START, word) for word in ("START", "UNSTOP", "YES")),
        *(Keyword(KeywordKind.HELP, word) for word in ("HELP", "INFO")),
        Keyword(KeywordKind.HELP, "AYUDA", spanish=True),
    )
}
#: A keyword has a dozen characters. The rest is room for space, punctuation and emoji.
_MAX_CHARACTERS = 100


def read_keyword(body: str) -> Keyword | None:
    """Returns the keyword that a text is, `None` for any other text."""
    shown = remove_invisible(body).strip()
    return _KEYWORDS.get(plain_words(shown)) if len(shown) <= _MAX_CHARACTERS else None


def find_carrier_keyword(opt_out_type: str) -> Keyword | None:
    """Returns the keyword that the carrier read in a text (STOP, START or HELP), `None` for another word."""
    return _KEYWORDS.get(opt_out_type.lower())


def remove_invisible(text: str) -> str:
    """Returns a text without characters of no width, which some keyboards put into words."""
    return "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
