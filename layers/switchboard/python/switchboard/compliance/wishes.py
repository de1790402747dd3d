"""Whether somebody asks for no more calls, in their own words: English and Spanish.

A called person may revoke consent by any reasonable means (47 CFR 64.1200(a)(10)): no keyword is required, and the wish
may stand inside a longer sentence. A call too few costs less than a call too many, so a doubtful wish counts. What says
the opposite ("please don't stop calling"), asks for another time ("don't call me before nine") or speaks of a name
("don't call me sir") is not one.
"""

from __future__ import annotations

import re

from switchboard.kit import words

#: The key by which a called person says it (47 CFR 64.1200(b)(3)).
OPT_OUT_KEY = "9"

#: A turn is looked at up to here. Nobody speaks for longer without a pause.
_MOST = 4_000

#: The accents that are typed in place of an apostrophe.
_TYPED = str.maketrans("", "", "\u0060\u00b4")
#: What ends a clause.
_CLAUSE = re.compile(r"[.,;:!?\u2026\u00a1\u00bf]+")

#: Whole turns that mean it. Inside a sentence these words mean many things.
_WHOLE = frozenset(
    {"stop", "stop it", "stop stop", "please stop", "no more", "alto", "basta", "baja", "pare", "no mas"}
)

_ME = r"(?:me|us|my name|(?:my|this|our|that) (?:\w+ )?number)"
#: What follows "don't call me" where it asks for another time, or is about a name.
_LATER = r"before|after|until|till|later|today|tonight|tomorrow|now|right"
_NAMED = r"sir|maam|mister|mr|miss|mrs|ms|a|an|the|names"
_AGAIN = r"again|anymore|any more|ever|back|please|thanks|thank|ok|okay|and|or|i|im|its|you|because|at|here"
_LUEGO = r"(?! (?:antes|despues|hasta|luego|hoy|ahora|senor|senora|asi)\b)"

_ENGLISH = (
    (
        r"(?<!dont )(?<!do not )(?<!never )(?<!didnt )\b(?:stop|quit|cease)(?: \w+){0,2} "
        r"(?:call|phon|contact|ring|text|bother|harass)ing\b"
    ),
    (
        r"\b(?:dont|do not|never)(?: ever| you| please)? (?:call|phone|contact|ring|text|bother)"
        rf"(?: {_ME})?(?! (?:{_LATER}|{_NAMED})\b)(?= (?:{_AGAIN})\b|$)"
    ),
    r"\bno more (?:\w+ )?(?:calls|texts|messages)\b",
    rf"\b(?:take|get|remove|delete|drop|strike) {_ME} (?:off|from|out of)\b",
    r"\b(?:remove|delete|lose|forget|erase) (?:my|this|our) (?:\w+ )?number\b",
    r"\bremove me\b",
    r"\bdo not call (?:list|registry)\b",
    r"\bopt (?:me|us) out\b|\bopt(?:ing)? out\b|\bunsubscribe\b",
    r"\bleave (?:me|us) alone\b",
    (
        r"\bi (?:dont|do not|no longer) (?:want|wish|like)(?: \w+){0,5} "
        r"(?:calls?|called|contacted|messages|texts|from you|calling)\b"
    ),
)
#: Without its accents.
_SPANISH = (
    rf"\bno (?:me|nos) (?:vuelvan? a )?(?:llame[ns]?|llamar|contacten?|escriban?|molesten?)\b{_LUEGO}",
    r"\bno (?:vuelvan?|vuelvas) a (?:llamar|contactar|molestar|escribir)",
    r"\bya no (?:me |nos )?(?:llame[ns]?|contacten?|molesten?)\b",
    r"\bno llame[ns]? (?:mas|otra vez|de nuevo|nunca|a este numero)\b",
    r"\b(?:dejen?|deja|paren?|basta) de (?:llamar|molestar|contactar|escribir)",
    r"\bno (?:quiero|deseo)(?: \w+){0,3} (?:llamadas|mensajes|llamen?)\b",
    r"\b(?:quite|saque|borre|elimine)n?me\b|\b(?:quite|saque|borre|elimine)n? mi (?:numero|nombre)\b",
    r"\b(?:deme|denme|darme|dar) de baja\b",
    r"\bdejen?me en paz\b",
)
_WISHES = re.compile("|".join((*_ENGLISH, *_SPANISH)))


def asks_to_stop(text: str) -> bool:
    """Whether a person who says this asks for no more calls."""
    text = text[:_MOST].translate(_TYPED)
    said = words.plain(text)
    # A clause ends a wish, and a pause is no clause: both readings count.
    return said in _WHOLE or any(_WISHES.search(part) for part in (said, *map(words.plain, _CLAUSE.split(text))))


def presses_to_stop(digits: str) -> bool:
    """Whether pressed keys say that a person wants no more calls. An account number that holds the key says nothing."""
    return digits.strip("*#") == OPT_OUT_KEY
