"""What a consent is good for, and for how long, by its source.

Two purposes are told apart. Telemarketing is whatever encourages a purchase; all else is informational. A call by an
artificial voice, and all of ours are (FCC 24-17), takes prior express consent; telemarketing takes it in writing
(47 CFR 64.1200(a)(2), (f)(9)), and since 77 FR 34233 of 2012 no business relationship stands in its place. The gate
asks the same of a text, which is sent by a machine too. A consent whose writing is not said to be there counts as
unwritten.

Ages are counted in calendar months from the day of the consent; on the last day it is still good.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from switchboard.compliance.data.law import Sourced

VERSION = "2026-11-29"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight(Sourced):
    """What one source is good for. `months` is how long."""

    telemarketing: bool
    months: int


#: The FTC's own questions and answers, and law firms that quote the definition, were read; the rule itself was not.
#: States' shorter times (six months in some, 30 days after an inquiry in others) are about their do-not-call lists: no
#: relationship, however new, serves for telemarketing here.
_REVIEW = date(2027, 9, 30)
_SINCE = date(2013, 10, 16)
_QUOTED = "law firms quote the definition, and the FTC's guide has the same ages; the rule itself was not read"
#: No law ends a written consent by time. Records of it are kept for five years (16 CFR 310.5): an older one cannot be
#: proven.
_PROVABLE = 60

WEIGHTS: dict[str, Weight] = {
    "opt-in:web-form": Weight(
        telemarketing=True,
        months=_PROVABLE,
        source="47 CFR 64.1200(f)(9); age: ours, from 16 CFR 310.5",
        since=_SINCE,
        review_by=_REVIEW,
        confidence="vendors",
    ),
    "opt-in:double-opt-in": Weight(
        telemarketing=True,
        months=_PROVABLE,
        source="47 CFR 64.1200(f)(9); age: ours, from 16 CFR 310.5",
        since=_SINCE,
        review_by=_REVIEW,
        confidence="vendors",
    ),
    "prior-express-consent": Weight(
        telemarketing=False,
        months=_PROVABLE,
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
