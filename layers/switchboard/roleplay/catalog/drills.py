"""The drills, in all their editions. A changed drill gets a new edition below the old one, and the old one stays.

The keys are those of Athos' contract and of its later catalog (docs/contracts/athos.md#drills).
"""

from __future__ import annotations

from dataclasses import dataclass

from switchboard.roleplay.catalog import criteria as c
from switchboard.roleplay.catalog.models import Criterion, Rubric


@dataclass(frozen=True, slots=True)
class Drill:
    """An edition of a drill: its subject, its pool of personas, and the criteria of its score."""

    key: str
    version: int
    title: str
    brief: str
    pool: str
    criteria: tuple[Criterion, ...]

    @property
    def rubric(self) -> Rubric:
        """The criteria, under the name of this edition."""
        return Rubric(f"{self.key}@{self.version}", self.criteria)


_MEDICARE_OPENING = (c.INTRODUCTION, c.RECORDING, c.DISCLAIMER, c.SCOPE)
_NEEDS = (c.DOCTORS, c.DRUGS, c.PRIORITIES)
_OBJECTION = (c.ACKNOWLEDGED, c.EXPLORED, c.RESOLVED)
_FOLLOW_UP = (c.INTRODUCTION, c.RECORDING)

DRILLS: tuple[Drill, ...] = (
    Drill(
        "ma-full-sale", 1, "Medicare Advantage: full enrollment",
        "From the greeting to the enrollment of somebody who has Medicare and thinks of an Advantage plan.",
        "medicare",
        (
            *_MEDICARE_OPENING, c.RAPPORT, c.ELIGIBILITY, c.ELECTION, *_NEEDS, c.PRESENTATION, c.TIED_BACK,
            *_OBJECTION, c.CLOSE, c.RECAP, c.PRESSURE,
        ),
    ),
    Drill(
        "ma-t65", 1, "Medicare Advantage: turning 65",
        "Somebody who turns 65 soon and does not know which parts of Medicare to take, or when.",
        "turning-65",
        (*_MEDICARE_OPENING, c.RAPPORT, c.TURNING_65, c.ELIGIBILITY, *_NEEDS, c.CHECKED, c.CLOSE, c.RECAP, c.PRESSURE),
    ),
    Drill(
        "ma-objection-handling", 1, "Medicare Advantage: objections",
        "The plan is on the table and the person has doubts. Hear them, understand them, settle them.",
        "medicare",
        (c.INTRODUCTION, c.RECORDING, *_OBJECTION, c.TIED_BACK, c.CHECKED, c.CLOSE, c.PRESSURE),
    ),
    Drill(
        "ma-needs-analysis", 1, "Medicare Advantage: needs analysis",
        "Find out what the person has, needs and wishes, before a word about plans.",
        "medicare",
        (*_MEDICARE_OPENING, c.RAPPORT, c.ELIGIBILITY, *_NEEDS, c.CHECKED, c.PRESSURE),
    ),
    Drill(
        "ma-plan-presentation", 1, "Medicare Advantage: plan presentation",
        "The needs are known. Present one plan, in plain words, by what the person told you.",
        "medicare",
        (c.INTRODUCTION, c.RECORDING, c.DISCLAIMER, c.PRESENTATION, c.TIED_BACK, c.CHECKED, c.CLOSE, c.PRESSURE),
    ),
    Drill(
        "ma-sep-hunting", 1, "Medicare Advantage: special enrollment periods",
        "Outside of the yearly period: find out whether anything in the person's life opens another one.",
        "medicare",
        (c.INTRODUCTION, c.RECORDING, c.SCOPE, c.RAPPORT, c.ELIGIBILITY, c.ELECTION, c.CHECKED, c.RECAP, c.PRESSURE),
    ),
    Drill(
        "ms-full-sale", 1, "Medicare Supplement: full sale",
        "From the greeting to the application of somebody who wants to choose any doctor.",
        "medicare",
        (
            c.INTRODUCTION, c.RECORDING, c.RAPPORT, c.ELIGIBILITY, c.DOCTORS, c.SUPPLEMENT, c.UNDERWRITING, c.BUDGET,
            *_OBJECTION, c.CLOSE, c.RECAP, c.PRESSURE,
        ),
    ),
    Drill(
        "fe-full-sale", 1, "Final expense: full sale",
        "Somebody who does not want to leave the costs of a funeral to the family.",
        "final-expense",
        (
            c.INTRODUCTION, c.RECORDING, c.RAPPORT, c.FINAL_WISHES, c.BENEFICIARY, c.INSURABILITY, c.BUDGET,
            *_OBJECTION, c.CLOSE, c.RECAP, c.PRESSURE,
        ),
    ),
    Drill(
        "fe-objection-handling", 1, "Final expense: objections",
        "The need is clear and the person hesitates.",
        "final-expense",
        (c.INTRODUCTION, c.RECORDING, *_OBJECTION, c.BUDGET, c.CLOSE, c.PRESSURE),
    ),
    Drill(
        "fe-closing", 1, "Final expense: closing",
        "Everything is explained: ask for the decision, and see it through.",
        "final-expense",
        (c.INTRODUCTION, c.RECORDING, c.TIED_BACK, c.BENEFICIARY, c.BUDGET, c.CLOSE, c.RECAP, c.PRESSURE),
    ),
    Drill(
        "u65-full-sale", 1, "Under 65: full sale",
        "A household that buys its own health insurance on the marketplace.",
        "under-65",
        (
            c.INTRODUCTION, c.RECORDING, c.RAPPORT, c.HOUSEHOLD, c.TAX_CREDIT, c.DOCTORS, c.DRUGS, c.METALS,
            *_OBJECTION, c.CLOSE, c.RECAP, c.PRESSURE,
        ),
    ),
    Drill(
        "ma-hhc", 1, "Medicare Advantage: home health care",
        "Somebody with an Advantage plan who would need help at home after a stay in the hospital.",
        "ancillary",
        (
            *_FOLLOW_UP, c.RAPPORT, c.GAP, c.HOME_CARE, c.INSURABILITY, c.BUDGET, c.TIED_BACK, *_OBJECTION, c.CLOSE,
            c.RECAP, c.PRESSURE,
        ),
    ),
    Drill(
        "ma-hhc-downsell", 1, "Home health care: a smaller benefit",
        "The benefit is wanted and its price is too high: find one that fits, and say what it does not pay.",
        "ancillary",
        (*_FOLLOW_UP, c.ACKNOWLEDGED, c.BUDGET, c.HOME_CARE, c.STEP_DOWN, c.CHECKED, c.CLOSE, c.RECAP, c.PRESSURE),
    ),
    Drill(
        "ma-hhc-crosssell", 1, "Home health care: beside the plan",
        "The plan is chosen. Bring up help at home as a subject of its own, with permission.",
        "ancillary",
        (*_FOLLOW_UP, c.BRIDGE, c.GAP, c.HOME_CARE, c.TIED_BACK, c.CHECKED, c.CLOSE, c.RECAP, c.PRESSURE),
    ),
    Drill(
        "ma-hhc-upsell", 1, "Home health care: a higher benefit",
        "Somebody who has the smallest benefit, and more reason than that to worry.",
        "ancillary",
        (*_FOLLOW_UP, c.GAP, c.HOME_CARE, c.STEP_UP, c.BUDGET, *_OBJECTION, c.CLOSE, c.RECAP, c.PRESSURE),
    ),
    Drill(
        "hi-downsell", 1, "Hospital indemnity: a smaller benefit",
        "Cover for days in the hospital is wanted and too dear: find a smaller one, and say what it does not pay.",
        "ancillary",
        (*_FOLLOW_UP, c.ACKNOWLEDGED, c.BUDGET, c.HOSPITAL_CASH, c.STEP_DOWN, c.CHECKED, c.CLOSE, c.RECAP, c.PRESSURE),
    ),
    Drill(
        "hi-upsell", 1, "Hospital indemnity: a higher benefit",
        "Somebody who has a small cover for days in the hospital, and wonders whether it is enough.",
        "ancillary",
        (*_FOLLOW_UP, c.GAP, c.HOSPITAL_CASH, c.STEP_UP, c.BUDGET, *_OBJECTION, c.CLOSE, c.RECAP, c.PRESSURE),
    ),
    Drill(
        "hi-crosssell", 1, "Hospital indemnity: beside the plan",
        "The plan is chosen. Bring up cover for days in the hospital as a subject of its own, with permission.",
        "ancillary",
        (*_FOLLOW_UP, c.BRIDGE, c.GAP, c.HOSPITAL_CASH, c.TIED_BACK, c.CHECKED, c.CLOSE, c.RECAP, c.PRESSURE),
    ),
    Drill(
        "ci-downsell", 1, "Critical illness: a smaller benefit",
        "Cover for a bad diagnosis is wanted and too dear: find a smaller one, and say what it does not pay.",
        "ancillary",
        (*_FOLLOW_UP, c.ACKNOWLEDGED, c.BUDGET, c.LUMP_SUM, c.STEP_DOWN, c.CHECKED, c.CLOSE, c.RECAP, c.PRESSURE),
    ),
    Drill(
        "ci-upsell", 1, "Critical illness: a higher benefit",
        "Somebody who has a small cover for a bad diagnosis, and wonders whether it is enough.",
        "ancillary",
        (*_FOLLOW_UP, c.GAP, c.LUMP_SUM, c.STEP_UP, c.BUDGET, *_OBJECTION, c.CLOSE, c.RECAP, c.PRESSURE),
    ),
    Drill(
        "ci-crosssell", 1, "Critical illness: beside the plan",
        "The plan is chosen. Bring up cover for a bad diagnosis as a subject of its own, with permission.",
        "ancillary",
        (*_FOLLOW_UP, c.BRIDGE, c.GAP, c.LUMP_SUM, c.TIED_BACK, c.CHECKED, c.CLOSE, c.RECAP, c.PRESSURE),
    ),
)  # fmt: skip


def current(key: str) -> Drill | None:
    """Returns the latest edition of a drill, or `None`."""
    return max((drill for drill in DRILLS if drill.key == key), key=lambda drill: drill.version, default=None)


def edition(key: str, version: int) -> Drill:
    """Returns an edition of a drill. A call keeps the edition that it started with."""
    return next(drill for drill in DRILLS if (drill.key, drill.version) == (key, version))


def names() -> list[str]:
    """Returns the keys of all drills, in the catalog's order."""
    return list(dict.fromkeys(drill.key for drill in DRILLS))
