"""Recognizes short requests for no more texts, such as "Not interested. Stop" and "cancel my texts". Pure.

People put politeness, a reason or a name beside the word of a carrier, and then it is no keyword. Words that have no
second meaning in a text, such as "stop", count at the beginning and the end of a text. Others, such as "cancel", may be
about an appointment: they count only as the whole text, or with a word for texts. A doubtful request counts.

The patterns match whole clauses of at most 12 words, so the time grows with the length of the text alone.
"""

from __future__ import annotations

import re

from switchboard.kit.texts import plain_words

_MAX_CLAUSE_WORDS = 12
#: A text with at most so many words that begins with "stop" is a request.
_MAX_WORDS_AFTER_STOP = 8

#: The end of a clause. A dash needs a space, as "opt-out" has a hyphen.
_CLAUSE = re.compile(r"[.,;:!?\u2026\u00a1\u00bf\r\n\u2014\u2013]+|\s-+\s")

_STRONG = r"(?:stop(?: ?all)?|unsubscribed?|unsubscribing|opt ?out|opting out|desuscribir(?:me)?)"
_WEAK = (
    r"(?:cancel|end|quit|revoke|remove|discontinue|cease|desist|terminate|enough"
    r"|alto|parar|baja|cancelar|detener|salir|quitar|arret|arreter|arretez)"
)
#: The same words without those of `_AFTER`. A pattern with both would try each word twice.
_OTHER_STRONG = r"(?:stopall|unsubscribed|unsubscribing|opting out|desuscribir(?:me)?)"
_OTHER_WEAK = (
    r"(?:revoke|remove|discontinue|cease|desist|terminate|enough"
    r"|alto|parar|baja|cancelar|detener|salir|quitar|arret|arreter|arretez)"
)
#: Verbs that need a word for texts.
_ORDERS = r"(?:cancele[ns]?|cancela|canceling|detengan?|paren?|suspendan?)"
_POLITE = r"(?:please|kindly|just|hi|hello|hey|sir|maam|no thanks|no thank you|not interested|por favor|favor de|ya)"
_BEFORE = (
    rf"(?:{_POLITE}|ok|okay|no|nope|nah|yes|oh|omg|ugh|yo|bro|dude|bye|so|and|then|now|sorry"
    r"|im not interested|i said|i told you to|reply|text|send"
    r"|you can|can you|could you|would you|will you|i want to|id like to|i would like to|i want you to|i need you to"
    r"|i wish to|quiero)"
)
_AFTER = (
    r"(?:please|thanks|thank you|and|now|right now|all|already|asap|immediately|sir|maam|ok|okay|por favor|gracias"
    r"|porfavor|ya|todo|(?:to )?(?:end|stop|quit|cancel|unsubscribe|opt ?out))"
)
_OBJECT = r"(?:it|this|that|me|everything|from all|today)"

_TEXTS = (
    r"(?:texts?|text messages?|messages?|messaging|sms|alerts?|marketing|promos?|promotions?|reminders?"
    r"|notifications?|updates|ads|offers|spam|blasts?|newsletters?|communications?|subscriptions?|mensajes?|textos?"
    r"|alertas?|notificaciones|promociones|recordatorios|avisos|suscripcion)"
)
_OF = (
    r"(?:all|my|the|these|this|those|your|any|further|future|more|sending|receiving|getting|me|of|from|to|with|stupid"
    r"|sales|daily|weekly|appointment|los|las|mis|sus|estos|estas|todos|todas|de|la|mi|el|promotional)"
)
_WISHING = (
    r"(?:please|kindly|hi|hello|i|id|would|like|want|wish|need|to|can|could|you|just|por favor|favor de|quiero"
    r"|quisiera|deseo|puede|pueden|now|ok|okay|no thanks)"
)

#: Clauses that count at the beginning and the end of a text.
_STRONG_CLAUSE = re.compile(
    rf"(?:{_BEFORE} )*{_STRONG}(?: (?:{_AFTER}|{_OBJECT}|{_OTHER_STRONG}|\d+))*"
    r"|(?:please )?(?:fuck off|f off|piss off|go away|get lost|stfu|dnc)(?: please| now)?"
    r"|leave (?:me|us) the \w+ alone"
    r"|i (?:do not|dont) consent"
    r"|(?:ya )?no (?:quiero|deseo) recibir(?: (?:mas|nada|esto|estos|estas|por favor|gracias|de ustedes))*"
    r"|(?:por favor )?ya no me (?:mande|envie|escriba)n?(?: (?:mas|nada|esto|por favor|gracias))*"
    r"|(?:(?:i|we|please|sorry) )*(?:dont|do not|no longer|never)(?: ever)? (?:want|wish)(?: to)? "
    r"(?:receive|receiving|keep getting|keep receiving|(?=.* any ?more)get)"
    r"(?: (?:any|these|those|them|this|more|texts|messages|anymore|again|please|thanks|from you))+"
    r"|(?:my )?(?:consent|permission) (?:is )?(?:revoked|withdrawn)"
    r"|no texts|no messages|no text messages|no molestar|(?:end|cease|discontinue) these"
)
#: A text that is a request as a whole, without the clauses of `_REASONS`.
_WHOLE = re.compile(rf"(?:(?:{_POLITE}) )*(?:i revoke|{_WEAK}|{_STRONG})(?: (?:{_AFTER}|{_OTHER_WEAK}))*")
_REASONS = re.compile(
    r"(?:no|no thanks|no thank you|(?:im |i am )?not interested(?: thanks| thank you)?|(?:you have the )?wrong number"
    r"|wrong person|who is this|hi|hello)"
)
#: A clause that names texts.
_WITH_TEXTS = re.compile(
    rf"(?!(?:can|could) i )(?:{_WISHING} )*(?:{_STRONG}|{_WEAK}|{_ORDERS}) (?:{_OF} )*{_TEXTS}"
    rf"(?: (?:{_OF}|{_TEXTS}|{_AFTER}))*|no more (?:of )?(?:{_OF} )*{_TEXTS}(?: {_AFTER})*"
)
#: "Stop" with another meaning at the beginning of a text: to visit, to wait, or to end something else.
_OTHER_STOPS = re.compile(
    r"stop (?:(?:by|at|in|over|off|on|here|there|and|n|signs?|lights?|payments?|paying|charging|billing|taking|work"
    r"|working|his|her|our|my|a|an|order|delivery|shipment|where|what|when|which|how)\b"
    r"|for (?!good\b|ever\b)|to (?!end\b|stop\b)|it (?:at|in|by|on)\b|\d+ (?:is|at|on|was|and)\b"
    r"|the (?!spam|harass|madness|nonsense|bs\b|crap|shit))"
    r"|.*\b(?:lol|lmao|haha\w*|hehe|jk)\b"
)


def is_short_request(text: str) -> bool:
    """Whether a short text, or a clause of a longer one, asks for no more texts."""
    clauses = [clause for part in _CLAUSE.split(text) if (clause := plain_words(part))]
    short = [clause if clause.count(" ") < _MAX_CLAUSE_WORDS else "" for clause in clauses]
    if any(_STRONG_CLAUSE.fullmatch(clause) for clause in (*short[:1], *short[-1:])):
        return True
    if any(_WITH_TEXTS.fullmatch(clause) for clause in short if clause):
        return True
    whole = " ".join(clauses)
    if whole.count(" ") >= _MAX_CLAUSE_WORDS:
        return False
    meant = " ".join(clause for clause in clauses if not _REASONS.fullmatch(clause))
    return _WHOLE.fullmatch(meant) is not None or _begins_with_stop(whole, is_question="?" in text)


def _begins_with_stop(whole: str, *, is_question: bool) -> bool:
    words = whole.split()
    if not words or words[0] != "stop" or len(words) > _MAX_WORDS_AFTER_STOP:
        return False
    if is_question and len(words) > 1 and words[1].endswith("ing"):
        return False
    return _OTHER_STOPS.match(whole) is None
