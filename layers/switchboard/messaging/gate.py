"""The facts about a text that the compliance gate needs.

A member states the consent by sending a text, if the ledger has none. A text of the contact is a consent too. Quiet
hours apply if the sender asks for them, and always to automatic texts and to texts that sell something: the hours of
the law, of the organization and of the flow, in every zone where the recipient may be.
"""

from __future__ import annotations

import re
import unicodedata

from switchboard.accounts.models import Organization
from switchboard.compliance.models import (
    CallingHours,
    ConsentSource,
    ContactAttempt,
    OpeningClock,
    Purpose,
    StandingConsent,
    StatedConsent,
)
from switchboard.errors import NotFound
from switchboard.flows import hours
from switchboard.flows import service as flows
from switchboard.flows.models import Flow
from switchboard.messaging.models import Author, ScheduledText, TextMessage

#: The words that sell, in English and Spanish: parts of words, and whole words that are too short for parts.
_SELLING_PARTS = (
    *("market", "promo", "advert", "discount", "coupon", "voucher", "solicit", "upsell", "sale", "offer"),
    *("commercial", "giveaway", "clearance", "retarget", "winback", "blackfriday", "cybermonday"),
    *("oferta", "descuento", "publicidad", "rebaja", "cupon"),
)
_SELLING_WORDS = frozenset({"ad", "ads", "deal", "deals", "sell", "selling", "bogo", "sweepstakes", "venta", "ventas"})
_WORD = re.compile("[a-z]+")


def text_attempt(
    org: Organization,
    to: str,
    *,
    purpose: str | None = None,
    consent: StatedConsent | None = None,
    basis: StandingConsent | None = None,
    timezone: str | None = None,
    asks_hours: bool = True,
    opening: OpeningClock | None = None,
    simulated: bool = False,
    for_later: bool = False,
    counted: bool = False,
    accepted_at: str | None = None,
) -> ContactAttempt:
    """Returns the contact for the gate to evaluate. `opening` is the clock of a flow (`find_opening`).

    `for_later` is a text that is planned, and `counted` one that was allowed and counted before.
    """
    window = org.calling_hours
    return ContactAttempt(
        org_id=org.id,
        channel="sms",
        to=to,
        consent=consent,
        basis=basis,
        purpose=find_purpose(purpose).value,
        timezone=timezone,
        window=CallingHours.model_validate(window) if window else None,
        asks_hours=asks_hours or find_purpose(purpose) is Purpose.TELEMARKETING,
        opening=opening,
        simulated=simulated,
        for_later=for_later,
        counted=counted,
        accepted_at=accepted_at,
    )


def find_purpose(text: str | None) -> Purpose:
    """Returns the legal purpose that a text's own words for its purpose mean: `telemarketing`, or informational.

    Words that sell mean telemarketing, also inside others: `spring_promo`, `Marketing`. A word that only looks as if it
    sells, such as `wholesale_order`, gets stricter rules than it needs, which costs less than the reverse.
    """
    plain = unicodedata.normalize("NFKD", text or "").encode("ascii", "ignore").decode().casefold()
    sells = any(part in plain for part in _SELLING_PARTS) or not _SELLING_WORDS.isdisjoint(_WORD.findall(plain))
    return Purpose.TELEMARKETING if sells else Purpose.INFORMATIONAL


def attempt_of_text(
    org: Organization,
    text: TextMessage | ScheduledText,
    heard_at: str | None,
    opening: OpeningClock | None = None,
    *,
    for_later: bool = False,
    counted: bool = False,
) -> ContactAttempt:
    """Returns the contact of a text of a conversation, at its acceptance and again when it is sent.

    `heard_at` is the time of the contact's latest text in the conversation.
    """
    return text_attempt(
        org,
        text.contact_e164,
        purpose=text.purpose,
        basis=_find_basis(text, heard_at),
        asks_hours=text.honors_quiet_hours,
        opening=opening,
        simulated=text.simulated,
        for_later=for_later,
        counted=counted,
        accepted_at=text.created_at,
    )


def _find_basis(text: TextMessage | ScheduledText, heard_at: str | None) -> StandingConsent | None:
    if text.author is Author.AI:
        if text.basis is not None:
            return text.basis
        if heard_at is None:
            return None
        # The AI only answers: the contact's own text is the consent.
        source = ConsentSource.CUSTOMER_INITIATED.value
        return StandingConsent(source=source, date=heard_at[:10], of=f"conversation:{text.conversation_id}")
    if text.author is not Author.USER or text.author_user_id is None:
        return None
    # The statement counts from the day of the request, also when the text is sent later.
    return StandingConsent.of_member(text.author_user_id, ConsentSource.PRIOR_EXPRESS.value, text.created_at[:10])


def asks_hours(author: Author, purpose: str | None, *, asked: bool) -> bool:
    """Whether quiet hours apply to a text."""
    return asked or author is Author.AI or find_purpose(purpose) is Purpose.TELEMARKETING


def find_opening(org: Organization, flow_id: str | None) -> OpeningClock | None:
    """Returns the clock of a flow's business hours, `None` without a flow or without hours."""
    flow = _find_flow(org.id, flow_id) if flow_id else None
    return hours.find_flow_clock(flow, org.timezone) if flow else None


def _find_flow(org_id: str, flow_id: str) -> Flow | None:
    try:
        return flows.get_flow(org_id, flow_id)
    except NotFound:
        return None
