"""What is said first in a call, by law: who calls, and that the voice is artificial.

A customer's greeting comes behind it, whatever it says. It is left out only where the greeting itself begins with both,
in words that can mean nothing else: a disclosure too many costs less than one too few.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from switchboard.compliance import phone, rules
from switchboard.compliance.data import disclosures
from switchboard.compliance.models import Contact
from switchboard.kit import words

#: As much of a greeting as counts as its beginning, in characters.
_BEGINNING = 200
#: A shorter name is found in too many sentences.
_SHORTEST_NAME = 3
#: What may be a variable, or markup that no voice speaks.
_UNSPOKEN = re.compile(r"[{}<>\[\]()*|\\^~#`]+")
#: What ends a clause.
_CLAUSE = re.compile(r"[.,;:!?\u2013\u2014\u00a1\u00bf\n]+")


class Required(NamedTuple):
    """What has to be said at the beginning of a call, and the law that asks for it."""

    identity: bool
    artificial: bool
    law: list[str]


class _Language(NamedTuple):
    """The sentences of a language, and the words by which a greeting says the same."""

    both: str
    identity: str
    artificial: str
    #: A clause that says that the voice is artificial, and nothing else about it.
    says: re.Pattern[str]
    #: A clause that names the speaker, and the next one that says what it is.
    names: re.Pattern[str]
    is_one: re.Pattern[str]
    #: The words before a name by which it is the caller's.
    calls_for: str
    #: What may turn a sentence round.
    doubtful: re.Pattern[str]


_HELLO = r"(?:(?:hello|hi|good \w+) )?"
_ONE = (
    r"an? (?:artificial|synthetic|computer generated|ai|ai generated|automated) (?:voice )?(?:voice|assistant|agent)"
    r"(?= (?:calling|speaking|from|for|of|with|on|here|and|at|by|working)\b|$)"
)
_HOLA = r"(?:(?:hola|buenos dias|buenas \w+) )?"
_UNO = (
    r"(?:una voz (?:artificial|sintetica|generada por (?:ia|inteligencia artificial))"
    r"|una? (?:asistente|agente) (?:artificial|automatic[oa]|de (?:ia|inteligencia artificial)))"
    r"(?= (?:que|de|del|para|por|en|y|llamando)\b|$)"
)

_LANGUAGES = {
    "en": _Language(
        both="This is an artificial voice calling for {organization}.",
        identity="This is a call on behalf of {organization}.",
        artificial="This is an artificial voice.",
        says=re.compile(rf"{_HELLO}(?:this is|i am|im|you are (?:speaking|talking) (?:to|with)) {_ONE}"),
        names=re.compile(rf"{_HELLO}(?:this is|i am|im|my name is)(?: \w+){{1,3}}"),
        is_one=re.compile(_ONE),
        calls_for=r"(?:for|from|with|at|of|on behalf of)",
        doubtful=re.compile(
            r"\b(?:not|no|never|nor|isnt|arent|wasnt|dont|without|unlike|instead|human|person|real|live|if|whether|joke)\b"
        ),
    ),
    "es": _Language(
        both="Le habla una voz artificial que llama en nombre de {organization}.",
        identity="Esta es una llamada en nombre de {organization}.",
        artificial="Le habla una voz artificial.",
        says=re.compile(rf"{_HOLA}(?:esta es|soy|le habla|habla con|esta hablando con) {_UNO}"),
        names=re.compile(rf"{_HOLA}(?:soy|le habla|mi nombre es|me llamo)(?: \w+){{1,3}}"),
        is_one=re.compile(_UNO),
        calls_for=r"(?:de|para|por|en nombre de)",
        doubtful=re.compile(r"\b(?:no|nunca|sin|ni|tampoco|jamas|humano|humana|persona|real|broma)\b"),
    ),
}


def required(contact: Contact) -> Required:
    """What has to be said first in a call, by the law of every place that may hold. Raises Invalid for no number."""
    places = [name for name, _ in rules.laws(contact, phone.parse(contact.to))]
    found = [(place, rule) for place in places if (rule := disclosures.rule_of(place))]
    return Required(
        identity=any(rule.identity for _, rule in found),
        artificial=any(rule.artificial for _, rule in found),
        law=[f"{place}: {rule.source}" for place, rule in found],
    )


def greeting(said: str, needs: Required, organization: str, language: str) -> str:
    """A greeting with what has to be said before it.

    The language is that of the call's voice, such as `es-US`; where it is none that is known here, it is English.
    """
    of = _LANGUAGES.get(language.split("-", maxsplit=1)[0].lower(), _LANGUAGES["en"])
    name = " ".join(_UNSPOKEN.sub(" ", organization).split())
    if (not needs.identity or _names(said, name, of)) and (not needs.artificial or _says_artificial(said, of)):
        return said
    if needs.identity and name:
        sentence = of.both if needs.artificial else of.identity
        return f"{sentence.format(organization=name.rstrip('.'))} {said}".rstrip()
    return f"{of.artificial} {said}".rstrip()


def _clauses(said: str) -> list[str]:
    """The clauses at the beginning, as plain words: up to the first variable or markup, which may say anything."""
    beginning = _UNSPOKEN.split(said[:_BEGINNING], maxsplit=1)[0]
    return [clause for part in _CLAUSE.split(beginning) if (clause := words.plain(part))]


def _says_artificial(said: str, of: _Language) -> bool:
    clauses = _clauses(said)
    if any(of.doubtful.search(clause) for clause in clauses):
        return False
    named = [False, *(bool(of.names.fullmatch(clause)) for clause in clauses)]
    return any(
        of.says.match(clause) or (after_name and of.is_one.match(clause))
        for after_name, clause in zip(named, clauses, strict=False)
    )


def _names(said: str, organization: str, of: _Language) -> bool:
    name = words.plain(organization)
    if len(name) < _SHORTEST_NAME:
        return False
    return any(re.search(rf"\b{of.calls_for} {re.escape(name)}\b", clause) for clause in _clauses(said))
