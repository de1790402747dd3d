"""What somebody must look up again, and by when. `make lint` fails, and an alarm goes off, once a day has passed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from switchboard.compliance.data import area_codes, consent, countries, holidays, states


class Due(NamedTuple):
    """A row or a table, and the day by which it is looked up."""

    what: str
    review_by: date
    source: str
    checked: bool


def rows() -> Iterator[Due]:
    """Everything in the package that is law."""
    for state, rule in states.STATES.items():
        yield Due(f"US-{state}", rule.review_by, rule.source, rule.checked)
    for country, rule in {**countries.COUNTRIES, "elsewhere": countries.ELSEWHERE}.items():
        yield Due(country, rule.review_by, rule.source, rule.checked)
    for source, weight in consent.WEIGHTS.items():
        yield Due(f"consent {source}", weight.review_by, weight.source, weight.checked)
    yield Due("holidays", holidays.REVIEW_BY, "the states' statutes on holidays", checked=False)
    yield Due("area codes", area_codes.REVIEW_BY, "the numbering plan's list of codes", checked=False)


def overdue(today: date) -> list[Due]:
    """What should have been looked up before today."""
    return [due for due in rows() if due.review_by < today]
