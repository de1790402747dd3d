"""Adds and removes rows of law while the system runs. Operators do this; a row applies to all organizations."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from pydantic import ValidationError

from switchboard.aws.writes import commit
from switchboard.compliance import store
from switchboard.compliance.amendments import Amendment, is_stricter
from switchboard.errors import Invalid, NotFound
from switchboard.events.models import Actor
from switchboard.kit import clock, ids
from switchboard.persistence import optimistic

#: The maximum number of rows of a place: every contact there reads all of them.
MAX_AMENDMENTS_PER_PLACE = 50
#: The last time zone of the world is 12 hours behind UTC: a day ends there last.
_LATEST_ZONE = timedelta(hours=12)


def add_amendment(actor: Actor, **fields: Any) -> Amendment:
    """Adds a row. Without a first day it starts today. Raises Invalid, also for a row no stricter than the law."""
    now = clock.now()
    first = fields.pop("first", None) or (now - _LATEST_ZONE).date()
    try:
        row = Amendment(**fields, first=first, id=ids.new_id("law"), created_by=actor.id, at=clock.format_iso(now))
    except ValidationError as error:
        raise Invalid("Invalid row of law: see the fields.", code="law_invalid", fields=_problems(error)) from None
    today = (now - _LATEST_ZONE).date()
    if row.last and row.last < today:
        raise Invalid(
            "Invalid row of law: its last day is in the past. Choose a later day.",
            code="law_over",
            fields={"last": "must not be in the past"},
        )
    if not is_stricter(row):
        raise Invalid(
            "This row is not stricter than the law of its place, so it would change nothing: enter a stricter row.",
            code="law_not_stricter",
            fields={"place": f"the law of {row.place} already requires as much"},
        )

    def attempt() -> Amendment:
        version, rows = store.get_amendments(row.place)
        kept = [one for one in rows if one.last is None or one.last >= today]
        if len(kept) >= MAX_AMENDMENTS_PER_PLACE:
            raise Invalid(
                f"{row.place} already has {MAX_AMENDMENTS_PER_PLACE} rows, the maximum: remove one first.",
                code="too_many_rows",
            )
        commit(
            store.amendment_writes(row.place, version, [*kept, row]),
            store.amendment_log_writes(row, "added", actor.id, clock.format_iso(now)),
        )
        return row

    done = optimistic.retry_on_conflict(attempt)
    assert done is not None, "nothing here was recorded before"
    return done


def remove_amendment(actor: Actor, row_id: str) -> Amendment:
    """Removes a row. The law of the place itself still applies. Raises NotFound."""

    def attempt() -> Amendment:
        found = next((row for row in list_amendments() if row.id == row_id), None)
        if found is None:
            raise NotFound("There is no such row of law: check its id.")
        version, rows = store.get_amendments(found.place)
        commit(
            store.amendment_writes(found.place, version, [row for row in rows if row.id != row_id]),
            store.amendment_log_writes(found, "removed", actor.id, clock.now_iso()),
        )
        return found

    done = optimistic.retry_on_conflict(attempt)
    assert done is not None, "nothing here was recorded before"
    return done


def list_amendments() -> list[Amendment]:
    """Returns all rows, by place."""
    return [row for place in store.list_amended_places() for row in store.get_amendments(place)[1]]


def list_overdue_amendments(today: date) -> list[Amendment]:
    """Returns the rows in effect whose review date is before today."""
    return [
        row
        for row in list_amendments()
        if row.review_by and row.review_by < today and (row.last is None or row.last >= today)
    ]


def _problems(error: ValidationError) -> dict[str, str]:
    return {
        str(one["loc"][0]) if one["loc"] else "row": one["msg"].removeprefix("Value error, ") for one in error.errors()
    }
