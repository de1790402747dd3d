"""State law that is stricter than the federal window.

A row applies to every call and text to a number or a resident of that state, for every purpose, without the exemptions
of a statute. Only its limit of contacts leaves out texts that do not sell. The gate knows purpose and exemption only
from its caller, and a call an hour later costs less than a lawsuit. None of this is legal advice: a lawyer must review
the table before a deployment.

`since` is the day on which a law came into force. `_OLDER` means that this day is unknown but earlier.
"""

from __future__ import annotations

from datetime import date

from switchboard.compliance.data.law import AttemptCap, Confidence, DayWindow, Rule, hours

VERSION = "2026-11-29"

#: Before every contact that the gate evaluates.
_OLDER = date(2020, 1, 1)
#: The review date of a row. It is earlier if nobody read the law's text.
_REVIEW: dict[Confidence, date] = {
    "statute": date(2027, 12, 31),
    "vendors": date(2027, 9, 30),
    "single": date(2027, 6, 30),
}

#: 47 CFR 64.1200(c)(1): not before 8 a.m. or after 9 p.m., local time of the called party.
FEDERAL = Rule(
    weekdays=hours(8, 21),
    saturday=hours(8, 21),
    sunday=hours(8, 21),
    source="47 CFR 64.1200(c)(1)",
    since=date(2003, 10, 1),
    review_by=_REVIEW["statute"],
    confidence="statute",
)


def _row(
    weekdays: DayWindow | None,
    saturday: DayWindow | None,
    sunday: DayWindow | None,
    *,
    source: str,
    confidence: Confidence,
    doubt: str | None = None,
    since: date = _OLDER,
    keeps_holidays: bool = False,
    holidays: DayWindow | None = None,
    voice_only: bool = False,
    zone: str | None = None,
    cap: AttemptCap | None = None,
) -> Rule:
    return Rule(
        weekdays=weekdays,
        saturday=saturday,
        sunday=sunday,
        source=source,
        confidence=confidence,
        doubt=doubt,
        since=since,
        review_by=_REVIEW[confidence],
        keeps_holidays=keeps_holidays,
        holidays=holidays,
        voice_only=voice_only,
        zone=zone,
        cap=cap,
    )


def _daily(
    start: int,
    end: int,
    *,
    source: str,
    confidence: Confidence,
    doubt: str | None = None,
    since: date = _OLDER,
    voice: DayWindow | None = None,
    voice_only: bool = False,
    zone: str | None = None,
    cap: AttemptCap | None = None,
) -> Rule:
    """Returns a rule with the same window on every day of the week."""
    window = hours(start, end)
    return Rule(
        weekdays=window,
        saturday=window,
        sunday=window,
        source=source,
        confidence=confidence,
        doubt=doubt,
        since=since,
        review_by=_REVIEW[confidence],
        voice=voice,
        voice_only=voice_only,
        zone=zone,
        cap=cap,
    )


_THREE_A_DAY = AttemptCap(3)

STATES: dict[str, Rule] = {
    "AL": _row(
        hours(8, 20),
        hours(8, 20),
        None,
        keeps_holidays=True,
        source="Ala. Public Service Commission telephone rule T-5; Ala. Code 8-19C",
        confidence="vendors",
    ),
    # An automatic dialing-announcing device may not call from 9 p.m. to 9 a.m., California time. Texts have the federal
    # window.
    "CA": _daily(
        9, 21, voice_only=True, zone="America/Los_Angeles", source="Cal. Pub. Util. Code 2872(c)", confidence="statute"
    ),
    "CT": _daily(
        9,
        20,
        since=date(2023, 10, 1),
        source="Conn. Gen. Stat. 42-288a as amended by P.A. 23-98",
        confidence="vendors",
    ),
    "FL": _daily(
        8,
        20,
        cap=_THREE_A_DAY,
        since=date(2021, 7, 1),
        source="Fla. Stat. 501.616(6), 501.059",
        confidence="vendors",
        doubt="charts agree, and the text was not read; the limit speaks of calls, and 501.059 counts texts among"
        " telephonic sales calls: a text that sells is taken for a call, which is stricter",
    ),
    "IL": _daily(
        8,
        21,
        voice=hours(9, 21),  # an AI's voice is artificial (FCC 24-17, February 2024)
        source="815 ILCS 413/15; 815 ILCS 305/15 for recorded messages",
        confidence="vendors",
    ),
    "IN": _daily(
        9,
        20,
        voice_only=True,
        source="Ind. Code 24-5-14-8, for automatic dialing-announcing devices",
        confidence="single",
        doubt="24-5-14-5, on consent, was read, and 24-5-14-8 was not found; one chart has 8 to 21 for Indiana. The"
        " stricter is taken",
    ),
    "KY": _daily(10, 21, source="KRS 367.46955", confidence="vendors"),
    "LA": _row(
        hours(8, 20),
        hours(8, 20),
        None,
        keeps_holidays=True,
        source="La. Public Service Commission General Order R-29617 V(A); La. R.S. 45:811",
        confidence="vendors",
    ),
    "MA": _daily(8, 20, source="M.G.L. c. 159C s. 3; 201 CMR 12", confidence="vendors"),
    "MD": _daily(
        8,
        20,
        cap=_THREE_A_DAY,
        since=date(2024, 1, 1),
        source="Md. Code, Com. Law 14-4501 ff.",
        confidence="vendors",
        doubt="charts agree, and the text was not read; a law firm reads 'communicate by telephone' as calls and texts:"
        " a text that sells is taken for a call, which is stricter",
    ),
    "ME": _row(
        hours(9, 17),
        None,
        None,
        voice_only=True,
        zone="America/New_York",
        cap=AttemptCap(1, 8),
        source="10 M.R.S. 1498(3), as amended by PL 1991, c. 524, for automated calling devices",
        confidence="vendors",
        doubt="read as LD 392 of 2003 quotes it; PL 2005, c. 197 changed the definitions alone, and charts of 2024 and"
        " 2026 have the same; the section of today was not read",
    ),
    "MI": _daily(9, 21, source="MCL 445.111 ff.", confidence="vendors"),
    "MN": _daily(9, 21, source="Minn. Stat. 325E.30", confidence="vendors"),
    "MS": _row(
        hours(8, 20),
        hours(8, 20),
        None,
        zone="America/Chicago",
        since=date(2023, 7, 1),
        source="Miss. Code 77-3-723 (the holiday rule was repealed in 2023)",
        confidence="statute",
    ),
    # Neb. Rev. Stat. 86-256(2)(c), which was read, allows messages without solicitation from 8 to 21 every day. The
    # Commission's rule is about solicitations, and stricter.
    "NE": _row(
        hours(8, 21),
        hours(8, 21),
        hours(13, 21),
        keeps_holidays=True,
        holidays=hours(13, 21),
        voice_only=True,
        source="291 Neb. Admin. Code 11-003; Neb. Rev. Stat. 86-256, for automatic dialing-announcing devices",
        confidence="single",
        doubt="11-002 and 86-256 were read, and 11-003 was not found: its Sundays and holidays are one chart's",
    ),
    "NM": _daily(9, 21, source="N.M. Stat. 57-12-22", confidence="vendors"),
    "NV": _daily(9, 20, source="NRS 597.814; NRS 599B", confidence="vendors"),
    "OK": _daily(
        8,
        20,
        cap=_THREE_A_DAY,
        since=date(2022, 11, 1),
        source="Okla. Stat. tit. 15, 775C.4",
        confidence="vendors",
        doubt="charts agree, and the text was not read; law firms read the act, which follows Florida's, as calls and"
        " texts: a text that sells is taken for a call, which is stricter",
    ),
    "OR": _daily(
        8,
        20,
        cap=_THREE_A_DAY,
        since=date(2026, 1, 1),
        source="ORS 646.561 ff. as amended by HB 3865 of 2025",
        confidence="vendors",
        doubt="law firms' summaries of the act and the Senate's report on amendment A3 agree, also that texts are"
        " solicitations and count; the act was not read",
    ),
    # 73 P.S. 2245(a)(1), as of 2019, was read: 8 to 21 every day, and (a)(10) closes on holidays. Senate Bill 992 of
    # 2025 passed the Senate with 9 to 19 and no Sundays. One vendor says that calls on Sundays are illegal since
    # 2026-10-18. One chart ends Saturdays at noon. The row takes the strictest of each.
    "PA": _row(
        hours(9, 19),
        hours(9, 12),
        None,
        keeps_holidays=True,
        since=date(2019, 12, 3),
        source="73 P.S. 2245(a)(1), (10); Senate Bill 992 of 2025",
        confidence="single",
        doubt="the bill's text as it became law was not found: evenings are the Senate's, Saturdays one chart's,"
        " Sundays the Senate's and one vendor's",
    ),
    "RI": _row(
        hours(9, 18),
        hours(10, 17),
        None,
        keeps_holidays=True,
        source="R.I. Gen. Laws 5-61-2, 5-61-3.6",
        confidence="statute",
    ),
    # The limit of 7 p.m. in 16-17-446(C)(3), for announcing devices, is not law: Cahaly v. LaRosa, 796 F.3d 399 (4th
    # Cir. 2015), holds the section void. Act 218 of 2018 deleted 16-17-445, and with it the definitions and penalties
    # that 16-17-446 needs.
    "SC": _daily(
        8,
        21,
        since=date(2018, 5, 18),
        source="S.C. Code 37-21-30 (Act 218 of 2018)",
        confidence="vendors",
        doubt="law firms' summaries have the hours; the section itself was not read",
    ),
    # The statute says weekdays for automated dialers, so weekends are closed.
    "SD": _row(hours(9, 21), None, None, source="SDCL 37-30-28", confidence="statute"),
    "TX": _row(
        hours(9, 21),
        hours(9, 21),
        hours(12, 21),
        source="Tex. Bus. & Com. Code 301.051; SB 140 of 2025 for texts",
        confidence="vendors",
    ),
    "UT": _row(
        hours(8, 21),
        hours(8, 21),
        None,
        keeps_holidays=True,
        source="Utah Code 13-25a-103(3)",
        confidence="statute",
    ),
    "WA": _daily(8, 20, source="RCW 19.158.040(2)", confidence="statute"),
    "WY": _daily(
        8,
        20,
        source="Wyo. Stat. 40-12-301 ff.",
        confidence="single",
        doubt="one vendor has the hours; 40-12-303, which was read, has none, and 40-12-302 was not found",
    ),
}
