"""Recognizes texts that get no answer: those of machines, reactions, and a wrong number. Pure.

The AI does not answer them, and they are no replies to a campaign. Two of them ask for a person: a contact who says
that the number is wrong, and one who dislikes a text.
"""

from __future__ import annotations

import re

from switchboard.compliance import phone
from switchboard.kit.texts import plain_words
from switchboard.messaging.models import TextMessage
from switchboard.messaging.reactions import is_reaction, read_reaction, remove_reaction

#: The characters of a text that are searched. A machine says at the beginning that it is one.
_MAX_CHARACTERS = 1_600
#: Patterns of plain words (`plain_words`), which have no apostrophes, accents or punctuation.
_AUTOMATIC = re.compile(
    "|".join(
        (
            r"\bauto(?:mat(?:ic|ed))? ?(?:reply|response|responder|message|text)\b|\bautoreply\b",
            r"\bout of (?:the )?office\b|\bon vacation\b|\b(?:not|un) ?monitored\b|\bnoreply\b",
            # The order of a machine, and not the complaint of a person: "You don't reply".
            r"(?<!\bi )(?<!\byou )(?<!\bthey )(?<!\bwe )(?<!\bguys )(?<!\bpeople )(?<!\bwhy )\b(?:do not|dont) reply\b",
            r"\b(?:im|i am) driving\b|\bsent from my car\b|\bdo not disturb while driving\b",
            r"\b(?:im|i am) not receiving notifications\b",
            r"\bunable to (?:send|deliver) (?:your |this |the )?(?:message|text)\b|\bmessage blocking is active\b",
            (
                r"\bth(?:is|e) (?:number|phone|line|landline)(?: \w+){0,3}? "
                r"(?:does not|doesnt|cannot|can not|cant|is not able to|is unable to) "
                r"(?:receive|accept|support|get)(?: \w+){0,2}? (?:texts?|messages?|messaging|sms)\b"
            ),
            r"\b(?:we|our office|our offices|the office)(?: is| are|re) (?:currently|presently) closed\b",
            r"\bmensaje automatico\b|\brespuesta automatica\b|\bfuera de la oficina\b",
            r"\bno respond(?:a|er|as) (?:a )?este (?:mensaje|numero)\b|\bestoy (?:conduciendo|manejando)\b",
        )
    )
)
_NO_REPLY = re.compile(r"\bno-reply\b", re.I)
_WRONG_NUMBER = re.compile(
    r"\b(?:wrong (?:number|person|phone number)|you have the wrong (?:one|guy|lady|man|woman|phone)"
    r"|numero equivocado|(?:te equivocas|te equivocaste|se equivoco|esta equivocado) de (?:numero|persona))\b"
    r"(?! (?:of|on|for|in|de)\b)"
)
#: Another number is wrong: that of an order, or one that the contact gave.
_OTHER_NUMBER = re.compile(r"\b(?:gave|given|typed|entered|put|wrote|dialed|called|order|account|tracking|invoice)\b")


def is_automatic(message: TextMessage) -> bool:
    """Whether a machine wrote a text that came in: by its words, or because its sender is no telephone number."""
    if not phone.is_number(message.contact_e164):
        return True
    body = message.body[:_MAX_CHARACTERS]
    # "No-reply" of a machine has a hyphen, and "no reply" of a person has none.
    return _AUTOMATIC.search(plain_words(_NO_REPLY.sub("noreply", body))) is not None


def says_wrong_number(body: str) -> bool:
    """Whether a contact says that the text was for somebody else. It is no opt-out by itself."""
    words = plain_words(remove_reaction(body)[:_MAX_CHARACTERS])
    return _WRONG_NUMBER.search(words) is not None and _OTHER_NUMBER.search(words) is None


def gets_no_reply(message: TextMessage) -> bool:
    """Whether the AI leaves a text alone, and no campaign counts it as a reply."""
    return is_automatic(message) or is_reaction(message.body) or says_wrong_number(message.body)


def wants_reply(message: TextMessage) -> bool:
    """Whether the AI answers a text: one of the contact, with no keyword, that is not left alone."""
    return message.direction == "inbound" and message.keyword is None and not gets_no_reply(message)


def needs_person(body: str) -> bool:
    """Whether a person of the organization should look at a text: a wrong number, or a contact who dislikes a text."""
    reaction = read_reaction(body)
    return (reaction is not None and reaction.kind == "dislike") or says_wrong_number(body)
