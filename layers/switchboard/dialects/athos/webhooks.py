"""Athos' one webhook, `call.scored`, with success and with failure (docs/contracts/athos.md#webhook)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from switchboard.events.models import Event
from switchboard.kit import texts
from switchboard.webhooks.event_names import EVENT_NAMES
from switchboard.webhooks.models import RenderedEvent

if TYPE_CHECKING:
    from switchboard.dialects.athos.webhook_bodies import ScoredBody
    from switchboard.roleplay.models import RoleplayCall


def render(event: Event, call: RoleplayCall | None) -> list[RenderedEvent]:
    """Returns the webhook of a call that was scored, or that could not be scored."""
    if call is None:
        return []
    succeeded = event.type == "roleplay.call.scored"
    name = EVENT_NAMES["athos"][event.type]
    body: ScoredBody = {
        "event": name,
        "success": succeeded,
        "callId": call.id,
        "source": call.source,
        "externalUserId": call.external_user_id,
        "externalAgencyId": call.external_agency_id,
        "occurredAt": event.at,
        "requestId": _request_id(event),
    }
    if not succeeded:
        body["reason"], body["reasonMessage"] = call.failure_reason, call.failure_message
    return [RenderedEvent(event=name, body={**body}, sequence=event.sequence, key=event.id)]


def _request_id(event: Event) -> str:
    """Returns a request id for support, in Athos' format. It is derived from the event, so a retry has the same id."""
    return f"req_{uuid.UUID(bytes=bytes.fromhex(texts.digest(event.id))[:16], version=4)}"
