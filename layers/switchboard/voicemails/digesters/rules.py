"""Digests without a language model, by words and patterns of English. The result depends on the transcript alone."""

from __future__ import annotations

import re

from switchboard.calls.summarizers.models import Sentiment
from switchboard.kit import texts
from switchboard.voicemails.digesters import RULES, numbers
from switchboard.voicemails.digesters.models import MAX_LINES, DigestTexts, Urgency

_MAX_CHARACTERS = 200
_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
#: A name is one or two words. A recognizer may write the first one without a capital.
_NAME = r"([^\W\d_][\w'-]*(?: [A-Z][\w'-]*)?)"
_CALLER = re.compile(rf"\b(?i:my name is|my name's|this is|it's) (?i:mr\.? |mrs\.? |ms\.? |dr\.? )?{_NAME}")
_RECIPIENT = re.compile(
    r"\b(?i:message (?:is )?for|calling for|trying to reach|speak (?:to|with)) "
    rf"(?i:mr\.? |mrs\.? |ms\.? |dr\.? |doctor )?{_NAME}"
)
_NO_NAMES = re.compile(r"(?i:a|an|the|just|not|calling|about|regarding|for|to|in|your?|some\w+|it|me)")
_REQUEST = re.compile(
    r"\b(?:please|call (?:me|us) back|give (?:me|us) a call|can you|could you|would you|i need|i want|let me know)\b",
    re.I,
)
_ENTITY = re.compile(
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\btomorrow\b|\btoday\b|[$€£]\s?\d[\d,]*(?:\.\d\d)?"
    r"|\b\d{1,2}(?::\d\d)? ?(?:am|pm|a\.m\.|p\.m\.)(?!\w)|\b(?:order|invoice|claim|case|ticket) (?:number )?#?\w*\d\w*",
    re.I,
)
#: The words of each topic, and of moods and haste.
_TOPICS = {
    "appointment": "appointment reschedule schedule booking book visit checkup",
    "billing": "bill billing invoice charge charged payment pay refund price",
    "callback": "callback",
    "complaint": "complaint complain unhappy angry terrible awful unacceptable",
    "delivery": "delivery deliver package shipment shipping order",
    "sales": "quote buy purchase interested demo",
    "support": "help problem issue broken support error repair",
}
_URGENT = "emergency urgent urgently immediately"
_SOON = "asap soon quickly today tonight important"
_GOOD = "thanks thank great good perfect wonderful happy glad excellent love"
_BAD = "bad angry terrible wrong never unhappy problem awful broken unacceptable disappointed"
_CALL_BACK = re.compile(r"\bcall (?:me|us) back\b", re.I)


class RuleDigester:
    """Makes digests by rules."""

    name = RULES

    def digest(self, transcript: str, caller: str) -> DigestTexts:
        """Returns the digest of a transcript. Raises nothing."""
        sentences = [_clip(one.strip()) for one in _SENTENCE.findall(transcript) if one.strip()]
        words = frozenset(texts.plain_words(transcript).split())
        requests = [one for one in sentences if _REQUEST.search(one)]
        topics = {topic for topic, signs in _TOPICS.items() if _has(words, signs)}
        if _CALL_BACK.search(transcript):
            topics.add("callback")
        return DigestTexts(
            tldr=_clip((requests or sentences or [transcript])[0]),
            sentiment=_sentiment(words),
            urgency=_urgency(words),
            intended_recipient=_name_by(_RECIPIENT, transcript),
            caller_name=_name_by(_CALLER, transcript),
            callback_number_e164=numbers.find_callback_number(transcript, caller),
            categories=sorted(topics)[:MAX_LINES],
            entities=list(dict.fromkeys(match[0] for match in _ENTITY.finditer(transcript)))[:MAX_LINES],
            action_items=list(dict.fromkeys(requests))[:MAX_LINES],
        )


def _clip(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"


def _has(words: frozenset[str], signs: str) -> bool:
    return not words.isdisjoint(signs.split())


def _name_by(pattern: re.Pattern[str], text: str) -> str | None:
    for match in pattern.finditer(text):
        if not _NO_NAMES.fullmatch(match[1].split()[0]):
            return match[1].title()
    return None


def _sentiment(words: frozenset[str]) -> Sentiment:
    good, bad = _has(words, _GOOD), _has(words, _BAD)
    if good and bad:
        return "mixed"
    return "positive" if good else "negative" if bad else "neutral"


def _urgency(words: frozenset[str]) -> Urgency:
    if _has(words, _URGENT):
        return "urgent"
    return "high" if _has(words, _SOON) else "normal"
