"""OptiComm's callbacks in their order: `call.initiated`, then the end (docs/contracts/opticomm.md#callbacks).

Both are rendered from the call itself. Events may arrive in any order, and each renders the same `call.initiated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from switchboard.calls import failures
from switchboard.events.models import Event
from switchboard.webhooks.event_names import EVENT_NAMES
from switchboard.webhooks.models import RenderedEvent

if TYPE_CHECKING:
    from switchboard.calls.models import Call
    from switchboard.dialects.opticomm.webhook_bodies import CallbackBody, ProgressFacts

_INITIATED = "call.initiated"


def render(event: Event, call: Call | None) -> list[RenderedEvent]:
    """Returns the callbacks of a call's event, after the callbacks that must precede them."""
    if call is None:
        return []
    told = [_rendered(call, _INITIATED, _beginning(call), 1)]
    name = EVENT_NAMES["opticomm"][event.type]
    if name != _INITIATED:
        told.append(_rendered(call, name, _ending(call), 2))
    return told


def _rendered(call: Call, name: str, facts: ProgressFacts, sequence: int) -> RenderedEvent:
    body: CallbackBody = {
        "event": name,
        "call_id": call.id,
        "conversation_id": call.conversation_id,
        "request_id": call.request_id,
        "agent_id": call.agent_ref,
        "phone_number": call.person_number,
        **facts,
        "created_at": call.created_at,
        "sequence": sequence,
    }
    return RenderedEvent(event=name, body={**body}, sequence=sequence, key=f"{call.id}#{name}")


def _beginning(call: Call) -> ProgressFacts:
    return {
        "status": "pending",
        "duration_seconds": None,
        "outcome": None,
        "error_message": None,
        "completed_at": None,
        "timestamp": call.created_at,
    }


def _ending(call: Call) -> ProgressFacts:
    # Loaded late for a shorter cold start: most webhooks are of other APIs.
    from switchboard.dialects.opticomm import dispositions

    return {
        "status": dispositions.status_of(call),
        "duration_seconds": call.duration_seconds,
        "outcome": dispositions.outcome_of(call),
        "error_message": failures.describe_failure(call),
        "completed_at": call.ended_at,
        "timestamp": call.ended_at,
    }
