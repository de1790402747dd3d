"""The purposes and the lifetime of a consent, by its source.

There are two purposes. Telemarketing encourages a purchase; everything else is informational. A call by an artificial
voice, as all of ours are (FCC 24-17), requires prior express consent. Telemarketing requires it in writing
(47 CFR 64.1200(a)(2), (f)(9)), and since 77 FR 34233 of 2012 a business relationship does not replace it. The gate
requires the same for a text, because a machine sends texts, too. A consent counts as unwritten unless its source says
that it is in writing.

Ages count in calendar months from the day of the consent. The consent is still valid on its last day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from switchboard.compliance.data.law import SourcedRow

VERSION = "2026-11-29"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight(SourcedRow):
    """The value of one source: whether it allows telemarketing, and its lifetime in `months`."""

    telemarketing: bool
    months: int


#: The evidence is the FTC's own questions and answers, and law firms that quote the definition; nobody read the rule
#: itself. Shorter times in some states (six months, or 30 days after an inquiry) are about their do-not-call lists.
#: They do not matter here, because no relationship, however new, allows telemarketing.
_REVIEW = date(2027, 9, 30)
_SINCE = date(2013, 10, 16)
_QUOTED = "law firms quote the definition, and the FTC's guide has the same ages; the rule itself was not read"
#: In months. No law limits the age of a written consent. Records of consent are kept for five years (16 CFR 310.5), so
#: an older consent cannot be proven.
_PROVABLE_MONTHS = 60

WEIGHTS: dict[str, Weight] = {
    "opt-in:web-form": Weight(
        telemarketing=True,
        months=_PROVABLE_MONTHS,
        source="47 CFR 64.1200(f)(9); age: ours, from 16 CFR 310.5",
        since=_SINCE,
        review_by=_REVIEW,
        confidence="vendors",
    ),
    "opt-in:double-opt-in": Weight(
        telemarketing=True,
        months=_PROVABLE_MONTHS,
        source="47 CFR 64.1200(f)(9); age: ours, from 16 CFR 310.5",
        since=_SINCE,
        review_by=_REVIEW,
        confidence="vendors",
    ),
    "prior-express-consent": Weight(
        telemarketing=False,
        months=_PROVABLE_MONTHS,
        source="47 CFR 64.1200(a)(1); age: ours, from 16 CFR 310.5",
        since=_SINCE,
        review_by=_REVIEW,
        confidence="vendors",
    ),
    "business-relationship": Weight(
        telemarketing=False,
        months=18,
        source="47 CFR 64.1200(f)(5): 18 months after a purchase or transaction",
        since=_SINCE,
        review_by=_REVIEW,
        confidence="vendors",
        doubt=_QUOTED,
    ),
    "customer-initiated": Weight(
        telemarketing=False,
        months=3,
        source="47 CFR 64.1200(f)(5): three months after an inquiry or application",
        since=_SINCE,
        review_by=_REVIEW,
        confidence="vendors",
        doubt=_QUOTED,
    ),
}
