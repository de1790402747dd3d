"""The disclosures that must begin a call, by place: who calls, that the voice is artificial, and how to opt out.

All our voices are artificial (FCC 24-17). A place without a row has `ELSEWHERE`: if nobody researched the law, all
disclosures are made. A state's row adds to the row of its country. A disclosure is not repeated if the customer's
greeting already makes it (`switchboard.compliance.disclosures`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from switchboard.compliance.data.law import SourcedRow

VERSION = "2026-11-29"
_REVIEW_STATUTE, _REVIEW_VENDORS, _REVIEW_SINGLE = date(2027, 12, 31), date(2027, 9, 30), date(2027, 6, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure(SourcedRow):
    """The disclosures that one place requires at the beginning."""

    #: Whether to say the name of the business that is responsible for the call.
    identity: bool
    #: Whether to say that the speaker is not human.
    artificial: bool
    #: Whether to say how to opt out, by a key or in words, in telemarketing calls.
    opt_out: bool = False


#: The rule of a place whose law is unknown.
ELSEWHERE = Disclosure(
    identity=True,
    artificial=True,
    opt_out=True,
    source="ours: all disclosures, where no law was researched",
    since=date(2024, 2, 8),
    review_by=_REVIEW_STATUTE,
    confidence="single",
    doubt="no law was researched",
)

#: The members of the European Union, which share one row.
EUROPEAN_UNION = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT"),
        *("LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)

#: By ISO 3166 code of a country or a state of the United States, and `EU`. A row applies from its first deployment,
#: even if its law comes into force later.
PLACES: dict[str, Disclosure] = {
    "US": Disclosure(
        identity=True,
        artificial=True,
        opt_out=True,
        source=(
            "47 U.S.C. 227(d)(3)(A) and 47 CFR 64.1200(b)(1): identity, at the beginning; 64.1200(b)(3): to sell, an"
            " automated opt-out by voice or key, with brief instructions within two seconds of the identity; FCC 24-17:"
            " an AI's voice is artificial. We say so everywhere: a number's holder may live in a state that requires it"
        ),
        since=date(2024, 2, 8),
        review_by=_REVIEW_STATUTE,
        confidence="statute",
    ),
    "US-CA": Disclosure(
        identity=True,
        artificial=True,
        source="Cal. Pub. Util. Code 2874(a), with AB 2905 of 2024; Cal. Bus. & Prof. Code 17941 for bots online",
        since=date(2025, 1, 1),
        review_by=_REVIEW_VENDORS,
        confidence="vendors",
        doubt="2874 was read as of before AB 2905; of AB 2905 a summary was read. It requires a person to announce the"
        " call, and an artificial voice is not a person: a lawyer must review this",
    ),
    "US-CO": Disclosure(
        identity=False,
        artificial=True,
        source="Colo. Rev. Stat. 6-1-1704 (SB 24-205)",
        since=date(2026, 6, 30),
        review_by=_REVIEW_SINGLE,
        confidence="vendors",
        doubt="postponed to 2026-06-30 by SB 25B-004; the changes of the session of 2026 were not found",
    ),
    "US-ME": Disclosure(
        identity=False,
        artificial=True,
        source="10 M.R.S. 1500-DD (PL 2025, c. 294)",
        since=date(2025, 9, 23),
        review_by=_REVIEW_VENDORS,
        confidence="vendors",
    ),
    "US-NE": Disclosure(
        identity=True,
        artificial=False,
        source="Neb. Rev. Stat. 86-256(2)(a)",
        since=date(2020, 1, 1),
        review_by=_REVIEW_STATUTE,
        confidence="statute",
    ),
    "US-NJ": Disclosure(
        identity=False,
        artificial=True,
        source="N.J. Stat. 56:18-2, for bots online",
        since=date(2020, 7, 19),
        review_by=_REVIEW_STATUTE,
        confidence="statute",
    ),
    "US-NY": Disclosure(
        identity=False,
        artificial=False,
        opt_out=True,
        source="N.Y. Gen. Bus. Law 399-z(2): the option of the seller's do-not-call list, directly after the identity",
        since=date(2023, 3, 6),
        review_by=_REVIEW_VENDORS,
        confidence="vendors",
        doubt="the subdivision's beginning and a law firm's summary of the change of 2023 were read, not paragraph b",
    ),
    "US-UT": Disclosure(
        identity=False,
        artificial=True,
        source="Utah Code 13-77-103: at the start in regulated occupations, otherwise when asked",
        since=date(2025, 5, 7),
        review_by=_REVIEW_STATUTE,
        confidence="statute",
    ),
    "CA": Disclosure(
        identity=True,
        artificial=True,
        opt_out=True,
        source=(
            "CRTC Unsolicited Telecommunications Rules, Part IV s. 4: on whose behalf, and the purpose, at the"
            " beginning (2014-155). The artificial voice and the opt-out are our additions"
        ),
        since=date(2014, 3, 31),
        review_by=_REVIEW_VENDORS,
        confidence="vendors",
    ),
    "EU": Disclosure(
        identity=True,
        artificial=True,
        opt_out=True,
        source=(
            "Regulation (EU) 2024/1689, article 50(1): people learn that they deal with a machine; Regulation (EU)"
            " 2016/679, article 21(4): the right to object to marketing, at the first contact; identity is our addition"
        ),
        since=date(2026, 8, 2),
        review_by=_REVIEW_VENDORS,
        confidence="vendors",
    ),
}
