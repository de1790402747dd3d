"""Projects events of calls to the call histories of numbers (`switchboard.projections`)."""

from __future__ import annotations

from collections.abc import Iterator

from switchboard import telemetry
from switchboard.aws.writes import Writes
from switchboard.calls import history, history_store, store, task_context
from switchboard.calls.history import CallHistory
from switchboard.calls.models import Call
from switchboard.events.models import Event


def project(event: Event) -> tuple[str, Writes] | None:
    """Returns the id of the other party's number, and the write that counts the call. Skips calls of test keys."""
    call = store.CALLS.get_object(event.org_id, event.subject.id)
    if call is None or call.simulated:
        return None
    if not is_counted(call):
        telemetry.log_skip("the caller has no number", org_id=event.org_id, call_id=call.id)
        return None
    e164 = call.person_number
    number_id = history.number_id(call.org_id, e164)
    call = store.add_texts(call)
    before = history_store.get_history(call.org_id, number_id) or CallHistory(e164=e164)
    after = add_call(before, call)
    return number_id, history_store.history_writes(
        call.org_id, number_id, after.model_dump(exclude_none=True), before.calls
    )


def is_counted(call: Call) -> bool:
    """Whether a call is in the history of its number: calls of test keys and of hidden numbers are not."""
    return not call.simulated and call.person_number.startswith("+")


def add_call(before: CallHistory, call: Call) -> CallHistory:
    """Returns a history with one more call. The result does not depend on the order of the calls.

    The call must have its texts: they have the person's name.
    """
    at, name = call.created_at, history.find_name(task_context.call_variables(call))
    after = before.model_copy(update={"calls": before.calls + 1, "last_call_at": max(before.last_call_at or at, at)})
    if name is None or (before.named_at or "", before.name or "") > (at, name):
        return after
    return after.model_copy(update={"name": name, "named_at": at})


def subjects(org_id: str) -> Iterator[str]:
    """Returns the ids of all numbers that have a history."""
    return history_store.list_number_ids(org_id)


def removal_writes(org_id: str, number_id: str) -> Writes:
    """Returns the write that deletes a number's history if it has not changed since it was read."""
    found = history_store.get_history(org_id, number_id)
    return history_store.delete_history_writes(org_id, number_id, found.calls) if found else None
