"""Whether somebody asks for no more calls, in their own words: English and Spanish.

A called person may revoke consent by any reasonable means (47 CFR 64.1200(a)(10)): no keyword is required, and the wish
may stand inside a longer sentence. A call too few costs less than a call too many, so a doubtful wish counts. It is no
wish to say the opposite ("please don't stop calling"), to ask for another time ("don't call me before nine"), or to
speak of a name ("don't call me sir") or of something else ("take me off hold").

Transcripts often have no commas and full stops, so no pattern relies on them. First the phrases that only look like a
wish are cut out (`NO_WISHES` of `data.wishes_english` and `data.wishes_spanish`), then the rest is searched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from switchboard.compliance.data import wishes_english, wishes_spanish
from switchboard.kit import words

#: The key by which a called person says it (47 CFR 64.1200(b)(3)).
OPT_OUT_KEY = "9"

#: A turn is looked at up to here. Nobody speaks for longer without a pause.
_MOST = 4_000

#: The accents that are typed in place of an apostrophe.
_TYPED = str.maketrans("", "", "\u0060\u00b4")
#: What ends a clause, and its mark between the plain words.
_CLAUSE = re.compile(r"[.,;:!?\u2026\u00a1\u00bf]+")
_END, _CUT = "|", "/"

_OTHER = re.compile("|".join((*wishes_english.NO_WISHES, *wishes_spanish.NO_WISHES)))
_WISHES = re.compile("|".join((*wishes_english.WISHES, *wishes_spanish.WISHES)))

#: Whole turns that mean it. Inside a sentence these words mean many things.
_WHOLE = re.compile(
    r"(?:(?:please|just|ok|okay|oh|uh|um|no|now|hey|well|so|and|yes|yeah|listen|look|enough|seriously"
    r"|you need to|i need you to"
    r"|i want you to|can you|could you|would you|will you|i said|i told you to|make (?:it|this)) )*"
    r"(?:stop|quit)(?: (?:it|this|that|now|right now|please|already|immediately|stop|ok|okay|thanks"
    r"|thank you|sir|maam))*"
    r"|s t o p|end|revoke|forget me|delete me|no more"
    r"|(?:(?:por favor|ya|no) )*(?:alto|basta|baja|paren?|no mas|detenganse|detengase)(?: (?:ya|por favor"
    r"|gracias))*"
)
#: The same as a clause, or at the end of a turn.
_POLITELY = re.compile(r"(?:^|.* )please (?:just )?stop(?: it)?|(?:just|okay|ok) stop|stop please")


def asks_to_stop(text: str) -> bool:
    """Return whether a person who says this asks for no more calls."""
    clauses = [clause for part in _CLAUSE.split(text[:_MOST].translate(_TYPED)) if (clause := words.plain(part))]
    if _WHOLE.fullmatch(" ".join(clauses)) or any(_POLITELY.fullmatch(clause) for clause in clauses):
        return True
    rest = _OTHER.sub(_CUT, f" {_END} ".join(clauses))
    # A clause ends a wish, and a pause is no clause: both readings count.
    return any(_WISHES.search(reading) for part in rest.split(_CUT) for reading in _readings(part))


def _readings(part: str) -> list[str]:
    clauses = [clause for each in part.split(_END) if (clause := each.strip())]
    return [" ".join(clauses), *clauses]


def asks_to_stop_in(turns: Sequence[str]) -> bool:
    """Return whether one speaker asks for no more calls in consecutive turns, each alone or all read together.

    A pause splits a wish: "Please don't", "call me again." Of very long turns the last words are read together.
    """
    return any(map(asks_to_stop, turns)) or asks_to_stop(" ".join(turns)[-_MOST:])


def presses_to_stop(digits: str) -> bool:
    """Return whether pressed keys ask for no more calls: the opt-out key alone. A 9 in a longer number is no wish."""
    return digits.strip("*#") == OPT_OUT_KEY
