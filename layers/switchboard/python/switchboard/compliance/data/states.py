"""State law that is stricter than the federal window.

A row is applied to every call and text to a number of that state, whatever its purpose and whatever exemption a statute
knows: the gate cannot see either, and a call an hour later is cheaper than a claim. `confidence` says how a row was
checked: `statute` (the text was read), `vendors` (calling charts of at least two compliance vendors agree), `single`
(one chart only). None of it is legal advice; whoever deploys this has counsel look through the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VERSION = "2025-12-31"

Confidence = Literal["statute", "vendors", "single"]


@dataclass(frozen=True, slots=True)
class Hours:
    """A window of the day by the local clock, in minutes: open while `start` ≤ now < `end`."""

    start: int
    end: int


def _hours(start: int, end: int) -> Hours:
    return Hours(start * 60, end * 60)


#: 47 CFR 64.1200(c)(1): not before 8 in the morning or after 9 in the evening, local time of the called party.
FEDERAL = _hours(8, 21)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRule:
    """What one state asks for. A day without a window is closed.

    `voice` narrows the window for calls by an artificial voice, which all of ours are. `zone` is the clock that the
    law names, where it names one. `calls_per_day` is how often one subject may be called in 24 hours.
    """

    weekdays: Hours
    saturday: Hours | None
    sunday: Hours | None
    on_holidays: bool = True
    voice: Hours | None = None
    zone: str | None = None
    calls_per_day: int | None = None
    source: str
    confidence: Confidence


def _daily(
    start: int,
    end: int,
    *,
    source: str,
    confidence: Confidence,
    on_holidays: bool = True,
    voice: Hours | None = None,
    calls_per_day: int | None = None,
) -> StateRule:
    """A rule with the same window on every day of the week."""
    window = _hours(start, end)
    return StateRule(
        weekdays=window,
        saturday=window,
        sunday=window,
        on_holidays=on_holidays,
        voice=voice,
        calls_per_day=calls_per_day,
        source=source,
        confidence=confidence,
    )


STATES: dict[str, StateRule] = {
    "AL": StateRule(
        weekdays=_hours(8, 20),
        saturday=_hours(8, 20),
        sunday=None,
        on_holidays=False,
        source="Ala. Public Service Commission telephone rule T-5; Ala. Code 8-19C",
        confidence="vendors",
    ),
    "CT": _daily(9, 20, source="Conn. Gen. Stat. 42-288a as amended by P.A. 23-98", confidence="vendors"),
    "FL": _daily(
        8, 20, calls_per_day=3, source="Fla. Stat. 501.616(6), 501.059; in force 2021-07", confidence="vendors"
    ),
    "IL": _daily(
        8,
        21,
        voice=_hours(9, 21),  # an AI's voice is artificial (FCC 24-17, February 2024)
        source="815 ILCS 413/15; 815 ILCS 305/15 for recorded messages",
        confidence="vendors",
    ),
    "KY": _daily(10, 21, source="KRS 367.46955", confidence="vendors"),
    "LA": StateRule(
        weekdays=_hours(8, 20),
        saturday=_hours(8, 20),
        sunday=None,
        on_holidays=False,
        source="La. Public Service Commission General Order R-29617 V(A); La. R.S. 45:811",
        confidence="vendors",
    ),
    "MA": _daily(8, 20, source="M.G.L. c. 159C s. 3; 201 CMR 12", confidence="vendors"),
    "MD": _daily(
        8, 20, calls_per_day=3, source="Md. Code, Com. Law 14-4501 ff.; in force 2024-01", confidence="vendors"
    ),
    "MI": _daily(9, 21, source="MCL 445.111 ff.", confidence="vendors"),
    "MN": _daily(9, 21, source="Minn. Stat. 325E.30", confidence="vendors"),
    "MS": StateRule(
        weekdays=_hours(8, 20),
        saturday=_hours(8, 20),
        sunday=None,
        zone="America/Chicago",
        source="Miss. Code 77-3-723 (the holiday rule was repealed in 2023)",
        confidence="statute",
    ),
    "NM": _daily(9, 21, source="N.M. Stat. 57-12-22", confidence="vendors"),
    "NV": _daily(9, 20, source="NRS 597.814; NRS 599B", confidence="vendors"),
    "OK": _daily(8, 20, calls_per_day=3, source="Okla. Stat. tit. 15, 775C.4; in force 2022-11", confidence="vendors"),
    "PA": _daily(  # Charts disagree about the weekend, for which the statute knows no window of its own.
        8,
        21,
        on_holidays=False,
        source="73 P.S. 2245(a)(10), by Act 73 of 2019",
        confidence="vendors",
    ),
    "RI": StateRule(
        weekdays=_hours(9, 18),
        saturday=_hours(10, 17),
        sunday=None,
        on_holidays=False,
        source="R.I. Gen. Laws 5-61-2, 5-61-3.6",
        confidence="statute",
    ),
    "SD": StateRule(
        # The statute says weekdays for automated diallers: no weekend.
        weekdays=_hours(9, 21),
        saturday=None,
        sunday=None,
        source="SDCL 37-30-28",
        confidence="statute",
    ),
    "TX": StateRule(
        weekdays=_hours(9, 21),
        saturday=_hours(9, 21),
        sunday=_hours(12, 21),
        source="Tex. Bus. & Com. Code 301.051; SB 140 of 2025 for texts",
        confidence="vendors",
    ),
    "UT": StateRule(
        weekdays=_hours(8, 21),
        saturday=_hours(8, 21),
        sunday=None,
        on_holidays=False,
        source="Utah Code 13-25a-103(3)",
        confidence="statute",
    ),
    "WA": _daily(8, 20, source="RCW 19.158.040(2)", confidence="statute"),
}
