"""Lists the review dates of all law in this package. `make lint` fails, and an alarm starts, after such a date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from switchboard.compliance.data import area_codes, consent, countries, disclosures, holidays, states
from switchboard.compliance.data.law import SourcedRow


class ReviewItem(NamedTuple):
    """A row or a table, and the day by which somebody must review it."""

    what: str
    review_by: date
    source: str
    checked: bool
    #: Why the row is unchecked.
    not_checked: str | None = None


def list_review_items() -> Iterator[ReviewItem]:
    """Returns every row and table of law in the package."""
    for state, rule in states.STATES.items():
        yield _due(f"US-{state}", rule)
    for country, rule in {**countries.COUNTRIES, "elsewhere": countries.ELSEWHERE}.items():
        yield _due(country, rule)
    for source, weight in consent.WEIGHTS.items():
        yield _due(f"consent {source}", weight)
    for place, row in {**disclosures.PLACES, "elsewhere": disclosures.ELSEWHERE}.items():
        yield _due(f"disclosure {place}", row)
    yield ReviewItem("holidays", holidays.REVIEW_BY, "the states' statutes on holidays", checked=False)
    yield ReviewItem("area codes", area_codes.REVIEW_BY, "the numbering plan's list of codes", checked=False)


def _due(what: str, row: SourcedRow) -> ReviewItem:
    return ReviewItem(what, row.review_by, row.source, row.checked, row.not_checked)


def list_overdue_items(today: date) -> list[ReviewItem]:
    """Returns the rows and tables whose review date is before today."""
    return [due for due in list_review_items() if due.review_by < today]
