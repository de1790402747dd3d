"""The histories of numbers, made from the events of calls (switchboard.projections)."""

from __future__ import annotations

from collections.abc import Iterator

from switchboard.aws.table import Writes
from switchboard.calls import history, store
from switchboard.calls import history_store as histories
from switchboard.calls.history import History
from switchboard.events.models import Event


def project(event: Event) -> tuple[str, Writes] | None:
    """Count the call of an event with its number. One of a test key calls nobody, and is not counted."""
    call = store.CALLS.get(event.org_id, event.subject.id)
    if call is None or call.simulated:
        return None
    e164 = call.from_number if call.direction == "INBOUND" else call.to_number
    number_id = history.id_of(call.org_id, e164)
    found = histories.get(call.org_id, number_id)
    before = history.from_item(found) if found else History(e164=e164)
    after = _with(before, call.created_at, history.name_of(call.order.variables))
    return number_id, histories.save(call.org_id, number_id, after.model_dump(exclude_none=True), before.calls)


def _with(before: History, at: str, name: str | None) -> History:
    """A history with one more call: the same, in whatever order the calls come."""
    after = before.model_copy(update={"calls": before.calls + 1, "last_call_at": max(before.last_call_at or at, at)})
    if name is None or (before.named_at or "", before.name or "") > (at, name):
        return after
    return after.model_copy(update={"name": name, "named_at": at})


def subjects(org_id: str) -> Iterator[str]:
    """The ids of all numbers that have a history."""
    return histories.ids(org_id)


def removal(org_id: str, number_id: str) -> Writes:
    """The write that removes a number's history, if it is still the one that was read."""
    found = histories.get(org_id, number_id)
    return histories.remove(org_id, number_id, history.from_item(found).calls) if found else None
