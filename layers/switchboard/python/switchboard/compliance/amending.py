"""Adding and removing rows of law while the system runs: an operator's, for all organizations."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from pydantic import ValidationError

from switchboard.aws import clock, ids
from switchboard.aws.table import commit
from switchboard.compliance import store
from switchboard.compliance.amendments import Amendment, narrows
from switchboard.errors import Invalid, NotFound
from switchboard.events.models import Actor
from switchboard.kit import change

#: How many rows a place may have: all of them are read with every contact there.
MOST = 50
#: How far behind UTC the last place is in which a day ends.
_LATEST_ZONE = timedelta(hours=12)


def add(actor: Actor, **fields: Any) -> Amendment:
    """Add a row; without a first day, from today on. Raises Invalid for one that is wrong or would narrow nothing."""
    now = clock.now()
    first = fields.pop("first", None) or (now - _LATEST_ZONE).date()
    try:
        row = Amendment(**fields, first=first, id=ids.new("law"), created_by=actor.id, at=clock.iso(now))
    except ValidationError as error:
        raise Invalid("This is no row of law.", code="law_invalid", fields=_problems(error)) from None
    today = (now - _LATEST_ZONE).date()
    if row.last and row.last < today:
        raise Invalid("This row is over already.", code="law_over", fields={"last": "lies in the past"})
    if not narrows(row):
        raise Invalid(
            "This row is not stricter than the law of its place: it would change nothing.",
            code="law_not_stricter",
            fields={"place": f"{row.place} asks for as much without it"},
        )

    def attempt() -> Amendment:
        version, rows = store.amendments(row.place)
        kept = [one for one in rows if one.last is None or one.last >= today]
        if len(kept) >= MOST:
            raise Invalid(f"{row.place} has {MOST} rows, and more it may not have.", code="too_many_rows")
        commit(
            store.put_amendments(row.place, version, [*kept, row]),
            store.note_amendment(row, "added", actor.id, clock.iso(now)),
        )
        return row

    done = change.again(attempt)
    assert done is not None, "nothing here was recorded before"
    return done


def remove(actor: Actor, row_id: str) -> Amendment:
    """Remove a row. What the law itself asks for stays. Raises NotFound."""

    def attempt() -> Amendment:
        found = next((row for row in listing() if row.id == row_id), None)
        if found is None:
            raise NotFound("There is no such row of law.")
        version, rows = store.amendments(found.place)
        commit(
            store.put_amendments(found.place, version, [row for row in rows if row.id != row_id]),
            store.note_amendment(found, "removed", actor.id, clock.stamp()),
        )
        return found

    done = change.again(attempt)
    assert done is not None, "nothing here was recorded before"
    return done


def listing() -> list[Amendment]:
    """All rows, by place."""
    return [row for place in store.amended_places() for row in store.amendments(place)[1]]


def overdue(today: date) -> list[Amendment]:
    """The rows that somebody was to look up again before today, and that are still in effect."""
    return [
        row for row in listing() if row.review_by and row.review_by < today and (row.last is None or row.last >= today)
    ]


def _problems(error: ValidationError) -> dict[str, str]:
    return {
        str(one["loc"][0]) if one["loc"] else "row": one["msg"].removeprefix("Value error, ") for one in error.errors()
    }
