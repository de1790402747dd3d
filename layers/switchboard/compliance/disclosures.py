"""Disclosures: the law requires a call to begin with who calls, that the voice is artificial, and how to opt out.

The customer's greeting follows the disclosure. The disclosure is left out only if the greeting itself begins with the
caller and the artificial voice, in unambiguous words: an extra disclosure costs less than a missing one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from switchboard.compliance import phone
from switchboard.compliance.data import disclosures
from switchboard.compliance.hours import find_laws
from switchboard.compliance.models import ContactAttempt, Purpose
from switchboard.compliance.opt_out_speech import OPT_OUT_KEY
from switchboard.kit import texts

#: The number of characters that count as the beginning of a greeting.
_BEGINNING_CHARACTERS = 200
#: The minimum length of a name to search for: too many sentences contain a shorter one.
_MIN_NAME_CHARACTERS = 3
#: Characters of a variable, or of markup that no voice speaks.
_UNSPOKEN = re.compile(r"[{}<>\[\]()*|\\^~#`]+")
#: Punctuation that ends a clause.
_CLAUSE = re.compile(r"([.,;:!?\u2013\u2014\u00a1\u00bf\n]+)")
#: Stands for a clause that is a question: a question discloses nothing.
_QUESTION = "?"
_HELLO = r"(?:hello|hi|hey|good (?:morning|afternoon|evening|day))(?: there)?"
_HOLA = r"(?:hola|buen dia|buenos dias|buenas(?: (?:tardes|noches))?)"


class RequiredDisclosures(NamedTuple):
    """The disclosures that must begin a call, and the law that requires them."""

    identity: bool
    artificial: bool
    law: list[str]
    opt_out: bool = False


class _Language(NamedTuple):
    """The sentences of a language, and the patterns of clauses in a greeting that say the same."""

    both: str
    identity: str
    artificial: str
    opt_out: str
    #: A clause that only greets.
    hello: re.Pattern[str]
    #: The first words of a clause that introduces the speaker.
    speaks: str
    #: A clause that names the speaker. The next clause must say that the speaker is artificial.
    names: re.Pattern[str]
    #: An artificial voice.
    one: str
    #: The words between "an AI assistant" and the name of the business.
    of: str
    #: The words before the name of the business in a clause of its own.
    calls_for: str
    #: Words that may follow the name. Any other word makes it a different name.
    behind: str
    #: Words that may reverse the meaning of a sentence.
    doubtful: re.Pattern[str]


_LANGUAGES = {
    "en": _Language(
        both="This is an artificial voice calling for {organization}.",
        identity="This is a call on behalf of {organization}.",
        artificial="This is an artificial voice.",
        opt_out="To get no more calls, press {key} or say so.",
        hello=re.compile(_HELLO),
        speaks=rf"(?:{_HELLO} )?(?:this is|i am|im|you are (?:speaking|talking) (?:to|with))",
        names=re.compile(rf"(?:{_HELLO} )?(?:this is|i am|im|my name is)(?: \w+){{1,3}}"),
        one=(
            r"an? (?:artificial|synthetic|computer generated|ai|ai generated|automated)"
            r" (?:voice )?(?:voice|assistant|agent)"
        ),
        of=r"(?:calling )?(?:for|from|with|at|of|on behalf of)",
        calls_for=r"(?:(?:i am|im|this is) )?calling (?:for|from|on behalf of)",
        behind=r"(?:calling|about|regarding|here|with)",
        doubtful=re.compile(
            r"\b(?:not|no|never|nor|isnt|arent|wasnt|dont|without|unlike|instead|human|person|real|live|if|whether|joke)\b"
        ),
    ),
    "es": _Language(
        both="Le habla una voz artificial que llama en nombre de {organization}.",
        identity="Esta es una llamada en nombre de {organization}.",
        artificial="Le habla una voz artificial.",
        opt_out="Para no recibir m\u00e1s llamadas, oprima el {key} o d\u00edgalo.",
        hello=re.compile(_HOLA),
        speaks=rf"(?:{_HOLA} )?(?:esta es|soy|le habla|habla con|esta hablando con)",
        names=re.compile(rf"(?:{_HOLA} )?(?:soy|le habla|mi nombre es|me llamo)(?: \w+){{1,3}}"),
        one=(
            r"(?:una voz (?:artificial|sintetica|generada por (?:ia|inteligencia artificial))"
            r"|una? (?:asistente|agente) (?:artificial|automatic[oa]|de (?:ia|inteligencia artificial)))"
        ),
        of=r"(?:(?:que llama|llamando) )?(?:de|para|por|en nombre de|de parte de)",
        calls_for=r"(?:(?:le )?(?:llamo|estoy llamando) )(?:de|desde|en nombre de|de parte de)",
        behind=r"(?:llamando|sobre|acerca|aqui)",
        doubtful=re.compile(r"\b(?:no|nunca|sin|ni|tampoco|jamas|humano|humana|persona|real|broma)\b"),
    ),
}


def find_required(contact: ContactAttempt) -> RequiredDisclosures:
    """Returns the disclosures that the law of every possible place requires. Raises Invalid for an invalid number."""
    sells = contact.purpose != Purpose.INFORMATIONAL
    places = [name for name, _ in find_laws(contact, phone.parse(contact.to))]
    found = [
        (place, rule)
        for place in places
        if (rule := disclosure_of(place)) and (rule.identity or rule.artificial or (sells and rule.opt_out))
    ]
    return RequiredDisclosures(
        identity=any(rule.identity for _, rule in found),
        artificial=any(rule.artificial for _, rule in found),
        opt_out=sells and any(rule.opt_out for _, rule in found),
        law=[f"{place}: {rule.source}" for place, rule in found],
    )


def disclosure_of(place: str) -> disclosures.Disclosure | None:
    """Returns the disclosures of a place, or None for a state without a row, because the country's row applies."""
    if place in disclosures.EUROPEAN_UNION:
        return disclosures.PLACES["EU"]
    return disclosures.PLACES.get(place) or (None if place.startswith("US-") else disclosures.ELSEWHERE)


def add_disclosures(said: str, needs: RequiredDisclosures, organization: str, language: str) -> str:
    """Returns a greeting with the required disclosures before it.

    `language` is the language of the call's voice, such as `es-US`. Disclosures are in English for an unknown language.
    """
    of = _LANGUAGES.get(language.split("-", maxsplit=1)[0].lower(), _LANGUAGES["en"])
    first = _first(needs, " ".join(_UNSPOKEN.sub(" ", organization).split()), of)
    if said.startswith(first) or (not needs.opt_out and _says_both(said, organization, of)):
        return said
    return f"{first} {said}".rstrip()


def _first(needs: RequiredDisclosures, name: str, of: _Language) -> str:
    """Returns the sentences that the law requires. How to opt out comes directly after who calls."""
    sentences = []
    if needs.identity and any(letter.isalnum() for letter in name):
        sentence = of.both if needs.artificial else of.identity
        sentences.append(sentence.format(organization=name.rstrip(".")))
    elif needs.identity or needs.artificial:
        sentences.append(of.artificial)
    if needs.opt_out:
        sentences.append(of.opt_out.format(key=OPT_OUT_KEY))
    return " ".join(sentences)


def _clauses(said: str) -> list[str]:
    """Returns the clauses at the beginning as plain words. Stops at a variable or markup: these may say anything."""
    parts = [*_CLAUSE.split(_UNSPOKEN.split(said[:_BEGINNING_CHARACTERS], maxsplit=1)[0]), ""]
    clauses = zip(parts[::2], parts[1::2], strict=True)
    return [_QUESTION if "?" in end else plain for part, end in clauses if (plain := texts.plain_words(part))]


def _says_both(said: str, organization: str, of: _Language) -> bool:
    """Whether a greeting begins with who calls and that the voice is artificial. Only a hello may come before.

    One clause says both, or the first says that the voice is artificial and the second says for whom it calls.
    """
    name = texts.plain_words(organization)
    clauses = _clauses(said)
    if len(name) < _MIN_NAME_CHARACTERS or any(of.doubtful.search(clause) for clause in clauses):
        return False
    while clauses and of.hello.fullmatch(clauses[0]):
        clauses = clauses[1:]
    start = rf"{of.speaks} "
    if clauses and of.names.fullmatch(clauses[0]) and not re.match(start + of.one, clauses[0]):
        clauses, start = clauses[1:], ""
    clause, after = [*clauses, "", ""][:2]
    caller = rf" {re.escape(name)}(?: {of.behind}\b.*)?"
    return bool(
        re.fullmatch(start + of.one + " " + of.of + caller, clause)
        or (re.fullmatch(start + of.one, clause) and re.fullmatch(of.calls_for + caller, after))
    )
