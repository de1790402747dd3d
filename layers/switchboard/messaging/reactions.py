"""Recognizes the reactions of telephones: Loved “Your visit is at 5. Reply STOP to end.”. Pure.

A telephone that reacts to a text sends a text of its own, which quotes ours. The quoted words are not the contact's: a
quoted "Reply STOP" is no request. The words after a quotation are the contact's again.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from switchboard.kit.texts import plain_words
from switchboard.messaging.keywords import remove_invisible

#: An iPhone writes a word, and Android an emoji. Both write the language of the telephone.
_DONE = (
    r"(?:liked|loved|laughed at|emphasi[sz]ed|questioned"
    r"|removed (?:an?|the) (?:\w+ ){1,3}from|removed \W{1,12} from|reacted (?:with )?(?:\W{1,12}|\w+ \w+|\w+) to"
    r"|(?:le|me|les|te|nos) (?:gust[oóa]n?|encant[oóa]n?|dio risa|caus[oó] gracia)|se ri[oó] de|enfatiz[oó]"
    r"|destac[oó]|remarc[oó]|exclam[oó] por|cuestion[oó]|puso en duda|pregunt[oó] por|reaccion[oó] con \W{1,12} a"
    r"|(?:elimin[oó]|quit[oó]) (?:una? (?:\w+ ){1,3}|\W{1,12} )de"
    r"|(?:a )?(?:aim[eé]|ador[eé])|a réagi avec \W{1,12} à"
    r"|[^\w\s\"'“”«»„*()\[\].,;:!?]{1,12} (?:to|a|à))"
)
_DISLIKED = r"(?:disliked|no (?:le|me) gust[oóa]|(?:\U0001f44e[^\w\s]{0,4}|reacted \U0001f44e[^\w\s]{0,4}) (?:to|a))"
#: Each opening quote, with the quotes that close it.
_CLOSERS = {"“": '”"', "«": "»", "„": "“”", '"': '"'}
_OPEN = "".join(_CLOSERS)
_QUOTES = re.compile(
    rf"(?:(?P<dislike>{_DISLIKED})|{_DONE})\s+(?:(?P<quote>[{_OPEN}])|(?P<file>(?:an?|una?)\s+))", re.I
)
#: "Loved an image" has no quotation.
_FILE = re.compile(
    r"(?:image|picture|photo|movie|video|attachment|sticker|audio message|voice message|contact|location|link"
    r"|imagen|foto|pel[ií]cula|archivo)s?\W*",
    re.I,
)
#: The prefix in a language that this module does not know, if the quotation can only be ours.
_FOREIGN = re.compile(rf"(?P<prefix>[^{_OPEN}.,;:!?\r\n]{{1,40}}?)\s*(?P<quote>[“«„])")
_MAX_FOREIGN_WORDS = 4
_OUR_OFFER = re.compile(
    r"\b(?:reply|text|send|respond|respondas?|envi[ea]|conteste) (?:with |con )?(?:stop|alto|baja)\b"
)
#: A contact who writes one of these words says something, and quotes us for it.
_OWN_WORDS = re.compile(
    r"\b(?:stop|please|i|you|your|why|what|not|no|dont|said|says|told|honor|unsubscribe|quiero|por|yo|dice|dijo)\b"
)


class Reaction(NamedTuple):
    """A reaction to a text. `rest` is what the contact wrote after the quotation."""

    kind: Literal["like", "dislike"]
    rest: str


def read_reaction(body: str) -> Reaction | None:
    """Returns the reaction that a text begins with, `None` for any other text."""
    shown = remove_invisible(body).strip()
    found = _QUOTES.match(shown)
    if found is None:
        found = _FOREIGN.match(shown)
        if found is None or not _is_foreign_reaction(found["prefix"], shown[found.end() :]):
            return None
        return Reaction("like", _after_quotation(shown, found.end(), found["quote"]))
    kind: Literal["like", "dislike"] = "dislike" if found["dislike"] else "like"
    if found["quote"]:
        return Reaction(kind, _after_quotation(shown, found.end(), found["quote"]))
    return Reaction(kind, "") if _FILE.fullmatch(shown, found.end()) else None


def is_reaction(body: str) -> bool:
    """Whether a text is only a reaction to another text."""
    found = read_reaction(body)
    return found is not None and not plain_words(found.rest)


def remove_reaction(body: str) -> str:
    """Returns what the contact wrote: a text without the words that a reaction quotes."""
    found = read_reaction(body)
    return body if found is None else found.rest


def _after_quotation(shown: str, begin: int, opened: str) -> str:
    """Returns the text after the last closing quote. A quotation that was cut off has none, and is all of the rest."""
    end = max(shown.rfind(quote, begin) for quote in _CLOSERS[opened])
    return shown[end + 1 :].strip() if end >= 0 else ""


def _is_foreign_reaction(prefix: str, quotation: str) -> bool:
    words = plain_words(prefix)
    if len(words.split()) > _MAX_FOREIGN_WORDS or _OWN_WORDS.search(words):
        return False
    return _OUR_OFFER.search(plain_words(quotation)) is not None
