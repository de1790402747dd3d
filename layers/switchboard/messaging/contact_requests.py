"""Decides about the requests of contacts: to stop, to start again, and for help. Pure.

A keyword counts as carriers count it, and a request to stop counts inside a sentence too. The ledger is the one of all
APIs. A keyword ends only what a keyword began: any other opt-out waits for a person. The time of a text decides about
the ledger, and not the time at which a worker handles it: a START from before the latest STOP changes nothing.

The platform answers a request once within five minutes. A confirmation that comes later than five minutes after the
request is not allowed (47 CFR 64.1200(a)(12)): an answer that waits longer fails.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from switchboard.accounts.models import Organization
from switchboard.aws.writes import Writes
from switchboard.compliance import ledgers
from switchboard.compliance.models import OptOut, PassedOptOut
from switchboard.events.models import Origin
from switchboard.kit import clock
from switchboard.messaging.keywords import Keyword, KeywordKind, find_carrier_keyword, read_keyword
from switchboard.messaging.reactions import remove_reaction
from switchboard.messaging.stop_requests import asks_to_stop_texting

#: The time within which a request is answered, and answered once.
ANSWER_WITHIN = timedelta(minutes=5)

_ANSWERS = {
    (KeywordKind.STOP, False): "{name}: You are unsubscribed and get no more texts. Reply START to get them again.",
    (KeywordKind.STOP, True): "{name}: Ya no recibira mensajes. Responda START para recibirlos de nuevo.",
    (KeywordKind.START, False): "{name}: You get texts again. Reply HELP for help, STOP to end them.",
    (KeywordKind.START, True): "{name}: Recibe mensajes de nuevo. Responda AYUDA para ayuda, ALTO para terminar.",
    (KeywordKind.HELP, False): "{name}: {contact}Reply STOP to get no more texts.",
    (KeywordKind.HELP, True): "{name}: {contact}Responda ALTO para no recibir mas mensajes.",
}
#: The answer to a START that did not end the opt-out. START has no Spanish word.
_KEPT = "{name}: We got your request, and our team will look at it. Until then you get no more texts."
#: The longest name in an answer, so that most answers are one segment.
_MAX_NAME_CHARACTERS = 60


class ContactRequest(NamedTuple):
    """The request of a contact. `word` is its keyword, `None` for a request inside a sentence."""

    kind: KeywordKind
    word: str | None = None
    spanish: bool = False
    #: Whether the carrier has answered it.
    answered: bool = False

    @property
    def in_sentence(self) -> bool:
        """Whether it stands in a sentence, which a person should read."""
        return self.word is None


def find_request(body: str, opt_out_type: str | None, *, yes_counts: bool) -> ContactRequest | None:
    """Returns the request of a text, `None` for an ordinary text. `opt_out_type` is the carrier's reading of it.

    A request to stop in the words counts, even if the carrier has read another request.
    """
    body = remove_reaction(body)
    keyword = read_keyword(body)
    if keyword is not None and keyword.needs_opt_out and not yes_counts:
        return None
    said = _find_in_words(body, keyword)
    carrier = find_carrier_keyword(opt_out_type) if opt_out_type else None
    if carrier is None:
        return said
    if said is not None and said.kind is KeywordKind.STOP and carrier.kind is not KeywordKind.STOP:
        return said
    same = keyword is not None and keyword.kind is carrier.kind
    return _of_keyword(keyword if same and keyword else carrier, answered=True)


def _find_in_words(body: str, keyword: Keyword | None) -> ContactRequest | None:
    if keyword is not None:
        return _of_keyword(keyword)
    return ContactRequest(KeywordKind.STOP) if asks_to_stop_texting(body) else None


def is_yes_to(known: OptOut | None, confirmed_opt_out: str | None) -> bool:
    """Whether YES ends an opt-out: our latest text of the conversation is its confirmation, and nothing else asked."""
    return known is not None and known.by_keyword_only and known.created_at == confirmed_opt_out


def _of_keyword(keyword: Keyword, *, answered: bool = False) -> ContactRequest:
    return ContactRequest(keyword.kind, keyword.word, keyword.spanish, answered)


class LedgerChange(NamedTuple):
    """The writes of a request in the ledger, and whether it changes what the organization may send."""

    writes: Writes = None
    opts_out: bool = False
    opts_in: bool = False
    #: Whether the contact asks to start again, and the opt-out stays.
    keeps: bool = False


def change_ledger(
    origin: Origin, request: ContactRequest | None, contact_e164: str, known: OptOut | None, asked_at: str
) -> LedgerChange:
    """Returns the change of the ledger for a request of `asked_at`. `known` is the opt-out that the ledger has.

    Its writes raise StaleVersionError or AlreadyOptedOutError at commit if the ledger has changed since it was read.
    """
    if request is None or request.kind is KeywordKind.HELP:
        return LedgerChange()
    if request.kind is KeywordKind.STOP:
        if known is not None:
            # Also an older request checks the entry: otherwise a START of another worker could remove it unseen.
            return LedgerChange(ledgers.renewed_opt_out_write(origin.org_id, known, asked_at, "keyword"))
        reason = "asked in a text" if request.in_sentence else None
        _, writes = ledgers.opt_out_writes(origin, contact_e164, "keyword", request.word, reason, asked_at)
        return LedgerChange(writes, opts_out=True)
    if known is None or asked_at <= known.asked_at:
        return LedgerChange()
    if not known.by_keyword_only:
        return LedgerChange(keeps=True)
    return LedgerChange(ledgers.opt_in_writes(origin, known, asked_at), opts_in=True)


def needs_answer(
    request: ContactRequest, change: LedgerChange, known: OptOut | None, *, asked_at: str, answered_at: str | None
) -> bool:
    """Whether the platform answers a request. `answered_at` is the time of its latest answer to this kind.

    `known` is the opt-out before the request. A repeated STOP gets no second confirmation, and a START or HELP from
    before the latest STOP gets no answer.
    """
    now = clock.now()
    if request.answered or now - clock.parse(asked_at) > ANSWER_WITHIN:
        return False
    if answered_at is not None and now - clock.parse(answered_at) < ANSWER_WITHIN:
        return False
    match request.kind:
        case KeywordKind.STOP:
            return change.opts_out
        case KeywordKind.START:
            return change.opts_in or change.keeps or known is None
        case KeywordKind.HELP:
            return known is None or known.asked_at <= asked_at


def answer_by(asked_at: str) -> str:
    """Returns the time by which the answer to a request goes out."""
    return clock.format_iso(clock.parse(asked_at) + ANSWER_WITHIN)


def passed_opt_out(
    request: ContactRequest, change: LedgerChange, known: OptOut | None, asked_at: str
) -> PassedOptOut | None:
    """Returns the opt-out that the answer to a request passes: the one that it confirms, or that stays in force.

    `known` is the entry before the request. An answer passes no later request of the contact, and the news that a
    contact gets texts again passes nothing.
    """
    if request.kind is KeywordKind.STOP:
        return PassedOptOut(created_at=asked_at)
    if known is None or change.opts_in:
        return None
    return PassedOptOut(created_at=known.created_at, asked_at=known.asked_at)


def has_contact(org: Organization) -> bool:
    """Whether an organization has entered its own contact for people who ask for help."""
    return bool(org.contact_phone or org.contact_email)


def write_answer(request: ContactRequest, change: LedgerChange, org: Organization, admin_email: str | None) -> str:
    """Returns the text of the platform's answer, with the organization's name, and for HELP with its contact.

    `admin_email` is the contact of an organization that has entered none. Without any, an answer reaches its inbox.
    """
    ways = [way for way in (org.contact_phone, org.contact_email) if way] or [admin_email or ""]
    template = _KEPT if change.keeps else _ANSWERS[request.kind, request.spanish]
    name = " ".join(org.name.split())[:_MAX_NAME_CHARACTERS]
    return template.format(name=name, contact=_contact([way for way in ways if way], spanish=request.spanish))


def _contact(ways: list[str], *, spanish: bool) -> str:
    if not ways:
        return "Para ayuda, responda a este mensaje. " if spanish else "For help, reply to this text. "
    either = " o " if spanish else " or "
    return f"{'Ayuda' if spanish else 'Help'}: {either.join(ways)}. "
