"""Judging without a language model, by the rubric's signs: regular expressions. The result is deterministic."""

from __future__ import annotations

import re
from collections.abc import Sequence

from switchboard.roleplay.catalog.models import Criterion, Rubric
from switchboard.roleplay.judges import Judgment
from switchboard.roleplay.judges.models import CriterionResult, Evidence, PracticeSpeaker, PracticeTurn

_PRAISED, _ADVISED = 2, 3
#: The number of characters that a sign is searched in at once: about a minute of speech. Windows overlap by half. The
#: window bounds the time: a sign that spans words needs quadratic time or worse, and the length of a turn has no limit.
WINDOW = 800


class SignJudge:
    """Judges by the signs of each criterion in the rep's turns."""

    name = "rules"

    def judge_transcript(self, rubric: Rubric, turns: Sequence[PracticeTurn]) -> Judgment:
        """Judges a transcript. Raises nothing."""
        spoken = [turn for turn in turns if turn.speaker is PracticeSpeaker.REP]
        marks = [_mark(criterion, spoken) for criterion in rubric.criteria]
        return Judgment(marks, _summary(marks, len(spoken)), _feedback(rubric, marks))


def _mark(criterion: Criterion, spoken: Sequence[PracticeTurn]) -> CriterionResult:
    found = [evidence for sign in criterion.signs if (evidence := _first(sign, spoken[: criterion.within]))]
    if criterion.forbidden:
        points = 0 if found else criterion.weight
    else:
        points = criterion.weight * min(len(found), criterion.needed) // criterion.needed
    return CriterionResult(
        key=criterion.key,
        title=criterion.title,
        weight=criterion.weight,
        points=points,
        evidence=sorted(found, key=lambda one: (one.turn, one.start)),
    )


def _first(sign: str, spoken: Sequence[PracticeTurn]) -> Evidence | None:
    pattern = re.compile(sign, re.IGNORECASE)
    for turn in spoken:
        for begin in range(0, max(len(turn.text) - WINDOW // 2, 1), WINDOW // 2):
            match = pattern.search(turn.text, begin, begin + WINDOW)
            if match:
                return Evidence(turn=turn.number, start=match.start(), end=match.end())
    return None


def _summary(marks: Sequence[CriterionResult], turns: int) -> str:
    whole = [mark.title.lower() for mark in marks if mark.points == mark.weight]
    missed = [mark.title.lower() for mark in marks if not mark.points]
    told = f"The rep spoke {turns} times and met {len(whole)} of {len(marks)} criteria in full."
    if whole:
        told += f" Done well: {', '.join(whole[:_PRAISED])}."
    return told + (f" Missed: {', '.join(missed[:_ADVISED])}." if missed else " Nothing was missed.")


def _feedback(rubric: Rubric, marks: Sequence[CriterionResult]) -> str:
    lost = sorted(
        ((mark.points - mark.weight, place) for place, mark in enumerate(marks) if mark.points < mark.weight),
    )
    advice = [rubric.criteria[place].guidance for _, place in lost[:_ADVISED]]
    return " ".join(advice) or "Keep it up: every criterion of the rubric was met. Try a harder persona."
