"""The calling hours of countries. A country without a row has the hours of `ELSEWHERE`."""

from __future__ import annotations

from datetime import date

from switchboard.compliance.data.law import DayWindow, Rule, hours
from switchboard.compliance.data.states import FEDERAL

#: The rule of a country whose law is unknown: as in the United States, in every zone where the number may be.
ELSEWHERE = Rule(
    weekdays=hours(8, 21),
    saturday=hours(8, 21),
    sunday=hours(8, 21),
    source="ours: 8 to 21 where no law was researched",
    since=date(2003, 10, 1),
    review_by=date(2027, 12, 31),
    confidence="single",
)

#: By ISO 3166 code.
COUNTRIES: dict[str, Rule] = {
    "US": FEDERAL,
    "CA": Rule(
        weekdays=DayWindow(9 * 60, 21 * 60 + 30),
        saturday=hours(10, 18),
        sunday=hours(10, 18),
        source=(
            "CRTC Unsolicited Telecommunications Rules, Part III s. 23 and Part IV s. 4(d), the latter by Telecom"
            " Regulatory Policy 2009-200; a province's own hours are an operator's row"
        ),
        since=date(2008, 9, 30),
        review_by=date(2027, 9, 30),
        confidence="vendors",
        doubt="the Commission's fact sheet has the hours of Part III, and the marketers' guide says that those of an"
        " announcing device are the same since 2009-200; the rules' own text was not read",
    ),
}
