r"""Recognizes a request for no more texts inside a sentence, in English, Spanish and French. Pure.

A person may revoke consent by any reasonable means (47 CFR 64.1200(a)(10)), and no keyword is required. Most wordings
are the same as in a call, so `compliance.opt_out_speech` reads them. This module adds the words of texts, and
`messaging.short_requests` the texts of a few words. A doubtful request counts, and a person of the organization looks
at the conversation.
"""

from __future__ import annotations

import re

from switchboard.compliance.opt_out_speech import asks_to_stop
from switchboard.kit.texts import plain_words
from switchboard.messaging.keywords import remove_invisible
from switchboard.messaging.short_requests import is_short_request

#: The number of characters that are searched. Of a longer text these are its beginning and its end.
_MAX_CHARACTERS = 1_600
_STOP_SIGNS = re.compile("[\U0001f6d1\u26d4\U0001f6ab\ufe0f\\s]+")
_LINE = re.compile(r"[\r\n]+")
#: Short forms of texting, as whole words.
_SHORT_FORMS = {
    **dict.fromkeys(("pls", "plz", "plse", "pleez"), "please"),
    **dict.fromkeys(("txt", "sms", "msg"), "text"),
    **dict.fromkeys(("txts", "msgs", "smses"), "texts"),
    **dict.fromkeys(("txting", "texing", "msging", "msgn"), "texting"),
    **dict.fromkeys(("thx", "thnx", "tks", "ty"), "thanks"),
    **dict.fromkeys(("unsub", "unsuscribe", "unsubcribe", "unsubscibe"), "unsubscribe"),
    "u": "you",
    "ur": "your",
    "dnt": "dont",
    "porfa": "por favor",
}
_WORD = re.compile(r"[A-Za-z]+")
#: "Stopp" and "STOOOP". "STOP2END" and "stopalerts", without a space.
_TYPED_STOP = re.compile(r"\bst(?:op{2,5}|o{3,9}p{1,5}|oop{2,5})\b", re.I)
_JOINED_STOP = re.compile(r"\bstop(?:2(?=[a-z])|(?=(?:promo|text|alert|sms|msg)s?\b))", re.I)


_TEXTS = r"(?:texts|text messages?|messages|mensajes|textos)"
_GO_ON = r"(?:just|only|please|instead|better|but|rather|you can|simply)"
#: Phrases that only look like a request: a text instead of a call is wished for, or nobody is addressed.
_NO_WISHES = re.compile(
    "|".join(
        (
            (
                rf"\b(?:dont|do not|stop|quit|no need to) (?:ever )?call(?:ing)?(?: me| us)?(?: \w+){{0,3}}?"
                rf"(?: {_GO_ON})* (?:text|message)(?: me| us| you)?\b"
            ),
            r"\b(?:dont|do not|never|no|cant|shouldnt) text(?:ing)? (?:and|while|when) (?:you )?driv\w+",
            r"\bno (?:me |nos )?llame[ns]?(?: \w+){0,2}? (?:mejor |solo )*(?:escriba(?:me|n)?|mande(?:me|n)?)\b",
            # A question, or a text that is not wanted yet.
            r"\b(?:do|does) (?:you|they|it|we) stop (?:sending|texting|messaging)(?! me\b)(?: \w+){0,6}",
            (
                r"\b(?:dont|do not) (?:send|write|text|message)(?: me| us)?(?: anything| it| them| that)?"
                r" (?:yet|until|till|unless|before)\b"
            ),
            r"\b(?:unsubscribe|opt out) (?:link|button|page|form|option|url)s?\b",
            # A wrong text of a thread, and not the texts of the sender.
            r"\bstop (?:sending|texting) (?:me )?(?:the wrong|your (?:old|other))\b(?: \w+){0,3}",
        )
    )
)
_WISHES = re.compile(
    "|".join(
        (
            (
                r"\b(?:stop|end|quit|cease|discontinue|no more of)(?: (?:with|all|the|these|those|this|your|any|sending"
                rf"|me|us|of|future|further|more|spam|sales|stupid))* {_TEXTS}\b"
            ),
            r"\b(?:stop|quit) (?:sending|writing|spamming|messaging)\b",
            (
                r"\b(?:dont|do not|never)(?: (?:ever|you|please))* (?:send|write)(?: (?:me|us|any|more|these|your))*"
                rf" (?:{_TEXTS}|text|again|anymore|any more|anything)\b"
            ),
            # In a call this asks for calls instead of texts. Here it ends the texts.
            rf"\b(?:dont|do not) (?:ever )?(?:text|message)(?: me| us)?(?: again)?(?: {_GO_ON})* call\b",
            rf"\bno {_TEXTS} please\b",
            r"\b(?:dejen?|deja|paren?|basta|cesen?)(?: ya)? de (?:mandar|enviar|escribir|textear)(?:me|nos)?\b",
            r"\bno (?:me |nos )?(?:mande|envie|textee)[ns]?\b(?: \w+){0,2}? (?:mensajes?|textos?|nada|mas)\b",
            r"\bno (?:quiero|deseo)(?: \w+){0,3}? (?:mensajes|textos)\b",
            (
                r"\bi (?:dont|do not|never|didnt|did not) (?:consent|agree|give (?:you |my ){0,2}consent)"
                r"(?: \w+){0,3}? (?:receiv\w+|text\w*|messag\w+|contact\w*|marketing|communications?|promo\w*)\b"
            ),
        )
    )
)


def asks_to_stop_texting(body: str) -> bool:
    """Whether a person who writes this asks for no more texts."""
    shown = remove_invisible(_choose_searched(body)).strip()
    if _STOP_SIGNS.fullmatch(shown):
        return True
    lines = [_spell_out(line) for line in _LINE.split(shown) if line.strip()]
    words = " ".join(plain_words(line) for line in lines)
    rest = _NO_WISHES.sub(" ", words)
    if _WISHES.search(rest):
        return True
    if rest != words:
        return asks_to_stop(rest)
    if is_short_request(". ".join(lines)):
        return True
    # A request may have a line of its own, above a signature.
    return any(asks_to_stop(one) for one in (". ".join(lines), *lines[:1], *lines[1:][-1:]))


def _choose_searched(body: str) -> str:
    if len(body) <= _MAX_CHARACTERS:
        return body
    half = _MAX_CHARACTERS // 2
    return f"{body[:half]}\n{body[-half:]}"


def _spell_out(line: str) -> str:
    line = _JOINED_STOP.sub("stop ", _TYPED_STOP.sub("stop", line))
    return _WORD.sub(lambda found: _SHORT_FORMS.get(found[0].lower(), found[0]), line)
