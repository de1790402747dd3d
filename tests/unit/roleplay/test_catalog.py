"""The catalog: complete, playable, and never changed for existing calls."""

from __future__ import annotations

import re
from dataclasses import astuple

import pytest

from switchboard.kit import texts
from switchboard.roleplay.catalog.drills import DRILLS, Drill, current, edition, names
from switchboard.roleplay.catalog.models import Difficulty
from switchboard.roleplay.catalog.personas import PERSONAS, candidates
from switchboard.roleplay.judges.models import PracticeSpeaker, PracticeTurn
from switchboard.roleplay.judges.signs import SignJudge
from switchboard.roleplay.transports.script import BEATS

drills = pytest.mark.parametrize("drill", [pytest.param(drill, id=drill.rubric.name) for drill in DRILLS])

#: The digest of each published edition. Add a line with each edition, and never change one: calls are scored, and
#: scores explained, by the edition that they were practised with.
PUBLISHED = {
    "ma-full-sale@1": "14b4660eb3823e12",
    "ma-t65@1": "d062e64012760ee3",
    "ma-objection-handling@1": "ab55fec5523c5711",
    "ma-needs-analysis@1": "3af690108908be77",
    "ma-plan-presentation@1": "5b94b68c8e1d827a",
    "ma-sep-hunting@1": "f9aab21b3a4c4597",
    "ms-full-sale@1": "0414b163f6906153",
    "fe-full-sale@1": "418f510c64e54f8c",
    "fe-objection-handling@1": "433b3e65aef8e293",
    "fe-closing@1": "a3ddce55ab7190a1",
    "u65-full-sale@1": "bc43d9509fcae33e",
    "ma-hhc@1": "7dfc9d36f2aa2f1a",
    "ma-hhc-downsell@1": "74331a22ec1a200a",
    "ma-hhc-crosssell@1": "44a11a210ff0bed0",
    "ma-hhc-upsell@1": "ac2a57d2441974d6",
    "hi-downsell@1": "297e979c8f4aa73e",
    "hi-upsell@1": "07ed16899917b9d4",
    "hi-crosssell@1": "abfb2a55ca224185",
    "ci-downsell@1": "e8f29ee68915fb4d",
    "ci-upsell@1": "d1e7b65d8035aa4d",
    "ci-crosssell@1": "c9c38dee34a6e590",
}


@drills
def test_a_published_edition_never_changes(drill: Drill) -> None:
    assert PUBLISHED[drill.rubric.name] == texts.digest(repr(astuple(drill)))[:16]


def test_no_published_edition_was_removed() -> None:
    assert PUBLISHED.keys() == {drill.rubric.name for drill in DRILLS}
    assert len(PUBLISHED) == len(DRILLS)


def test_the_whole_catalog_of_the_contract_is_there() -> None:
    """The contract's drill, and those of its later catalog (docs/contracts/athos.md#drills)."""
    medicare = ("full-sale", "t65", "objection-handling", "needs-analysis", "plan-presentation", "sep-hunting", "hhc")
    ways = ("downsell", "crosssell", "upsell")
    assert set(names()) == {
        *(f"ma-{name}" for name in medicare),
        *(f"{product}-{way}" for product in ("ma-hhc", "hi", "ci") for way in ways),
        *("ms-full-sale", "fe-full-sale", "fe-objection-handling", "fe-closing", "u65-full-sale"),
    }


def test_the_contracts_drill_is_there_and_the_latest_edition_is_the_current_one() -> None:
    assert "ma-full-sale" in names()
    for key in names():
        versions = [drill.version for drill in DRILLS if drill.key == key]
        assert versions == list(range(1, len(versions) + 1))
        assert current(key) is edition(key, versions[-1])
    assert current("ma-nothing") is None


@drills
def test_a_rubric_names_each_criterion_once_and_is_worth_something(drill: Drill) -> None:
    keys = [criterion.key for criterion in drill.criteria]
    assert len(set(keys)) == len(keys) >= 5
    assert all(criterion.weight > 0 and criterion.guidance.endswith(".") for criterion in drill.criteria)
    assert all(1 <= criterion.needed <= len(criterion.signs) for criterion in drill.criteria)
    assert all(re.compile(sign) for criterion in drill.criteria for sign in criterion.signs)


@drills
def test_a_good_rep_earns_each_criterion_and_a_careless_one_does_not(drill: Drill) -> None:
    playable = [criterion for criterion in drill.criteria if not criterion.forbidden]
    for good in (True, False):
        lines = [BEATS[criterion.key].strong if good else BEATS[criterion.key].weak for criterion in playable]
        turns = [
            PracticeTurn(number=number, speaker=PracticeSpeaker.REP, text=text, start_ms=0, end_ms=0)
            for number, text in enumerate(lines)
        ]
        marks = {mark.key: mark for mark in SignJudge().judge_transcript(drill.rubric, turns).marks}
        for criterion in playable:
            earned = marks[criterion.key].points
            assert (earned == criterion.weight) if good else (earned < criterion.weight), criterion.key


@drills
def test_every_pool_has_personas_of_each_difficulty_in_several_states(drill: Drill) -> None:
    for difficulty in Difficulty:
        assert len({persona.state for persona in candidates(drill.pool, difficulty, None)}) >= 2


def test_personas_are_distinct() -> None:
    ids = [persona.id for pool in PERSONAS.values() for persona in pool]
    assert len(set(ids)) == len(ids)
    assert {
        persona.facts.keys() == {"doctor", "drug", "wish", "doubt"} for pool in PERSONAS.values() for persona in pool
    } == {True}
