"""Recognizes a spoken request for no more calls, in English, Spanish and French.

A called person may revoke consent by any reasonable means (47 CFR 64.1200(a)(10)): no keyword is required, and the
request may be part of a longer sentence. A missed call costs less than an unwanted call, so a doubtful request counts.
These do not count: the opposite ("please don't stop calling"), another time ("don't call me before nine"), a form of
address ("don't call me sir") and another matter ("take me off hold").

A person who calls us chose to call, and "stop" may be for the agent or for a recording. So of a caller only an explicit
request counts, which names the calls or the list, and no key does (`explicit`).

Transcripts often have no commas and full stops, so no pattern relies on them. The search first removes phrases that
only look like a request (`NO_WISHES` of `data.opt_out_english`, `data.opt_out_spanish` and `data.opt_out_french`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from switchboard.compliance.data import opt_out_english, opt_out_french, opt_out_spanish
from switchboard.kit.texts import plain_words

#: The telephone key that a called person presses to opt out (47 CFR 64.1200(b)(3)).
OPT_OUT_KEY = "9"

#: The number of characters of a turn that are searched. Nobody speaks longer without a pause.
_MAX_CHARACTERS = 4_000

#: Accents that people type instead of an apostrophe.
_TYPED_APOSTROPHES = str.maketrans("", "", "\u0060\u00b4")
#: Punctuation that ends a clause. `_END` marks the end of a clause between plain words, `_CUT` a removed phrase.
_CLAUSE = re.compile(r"[.,;:!?\u2026\u00a1\u00bf]+")
_END, _CUT = "|", "/"

_LANGUAGES = (opt_out_english, opt_out_spanish, opt_out_french)
_OTHER = re.compile("|".join(pattern for language in _LANGUAGES for pattern in language.NO_WISHES))
_EXPLICIT_WISHES = tuple(pattern for language in _LANGUAGES for pattern in language.WISHES)
_EXPLICIT = re.compile("|".join(_EXPLICIT_WISHES))
_WISHES = re.compile("|".join((*_EXPLICIT_WISHES, *opt_out_english.SHORT_WISHES)))

#: Turns that are a request only as a whole. Inside a sentence these words have many meanings.
_WHOLE_TURNS = re.compile(
    r"(?:(?:please|just|ok|okay|oh|uh|um|no|now|hey|well|so|and|yes|yeah|listen|look|enough|seriously"
    r"|you need to|i need you to"
    r"|i want you to|can you|could you|would you|will you|i said|i told you to|make (?:it|this)) )*"
    r"(?:stop|quit)(?: (?:it|this|that|now|right now|please|already|immediately|stop|ok|okay|thanks"
    r"|thank you|sir|maam))*"
    r"|s t o p|end|revoke|forget me|delete me|no more"
    r"|(?:(?:sil vous plait|svp|ok|bon|la|ca suffit) )*(?:arretez?|ca suffit)(?: (?:ca|tout|sil vous plait|svp|merci))*"
    r"|(?:(?:por favor|ya|no) )*(?:alto|basta|baja|paren?|no mas|detenganse|detengase)(?: (?:ya|por favor"
    r"|gracias))*"
)
#: Phrases that are a request as a whole clause, or at the end of a turn.
_POLITELY = re.compile(r"(?:^|.* )please (?:just )?stop(?: it)?|(?:just|okay|ok) stop|stop please")


def asks_to_stop(text: str, *, explicit: bool = False) -> bool:
    """Whether a person who says this asks for no more calls. With `explicit`, only an explicit request counts."""
    clauses = [
        clause
        for part in _CLAUSE.split(text[:_MAX_CHARACTERS].translate(_TYPED_APOSTROPHES))
        if (clause := plain_words(part))
    ]
    if not explicit and _is_short_wish(clauses):
        return True
    rest = _OTHER.sub(_CUT, f" {_END} ".join(clauses))
    # A request ends with its clause. But a transcript may show a pause as the end of a clause, so the text is also
    # read without clauses.
    wishes = _EXPLICIT if explicit else _WISHES
    return any(wishes.search(reading) for part in rest.split(_CUT) for reading in _readings(part))


def _is_short_wish(clauses: Sequence[str]) -> bool:
    return bool(_WHOLE_TURNS.fullmatch(" ".join(clauses))) or any(_POLITELY.fullmatch(clause) for clause in clauses)


def _readings(part: str) -> list[str]:
    clauses = [clause for each in part.split(_END) if (clause := each.strip())]
    return [" ".join(clauses), *clauses]


def asks_to_stop_in_turns(turns: Sequence[str], *, explicit: bool = False) -> bool:
    """Whether a speaker asks for no more calls in consecutive turns, in one turn or in all of them together.

    A pause can split a request: "Please don't", "call me again." Only the end of very long turns is read together.
    """
    texts = (*turns, " ".join(turns)[-_MAX_CHARACTERS:])
    return any(asks_to_stop(text, explicit=explicit) for text in texts)


def presses_to_stop(digits: str) -> bool:
    """Whether pressed keys ask for no more calls: only the opt-out key alone does, not a 9 in a longer number."""
    return digits.strip("*#") == OPT_OUT_KEY
