"""HUM's webhook `voicemail.received` (docs/contracts/hum.md#webhooks-of-hum)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from switchboard.events.models import Event
from switchboard.webhooks.event_names import EVENT_NAMES
from switchboard.webhooks.models import RenderedEvent

if TYPE_CHECKING:
    from switchboard.voicemails.models import Voicemail


def render(event: Event, voicemail: Voicemail | None) -> list[RenderedEvent]:
    """Returns the webhook of a new voicemail. A voicemail that is deleted by now has none."""
    if voicemail is None:
        return []
    # Loaded late for a shorter cold start: most webhooks are of other APIs.
    from switchboard.dialects.hum.voicemail_views import shared_fields

    name = EVENT_NAMES["hum"][event.type]
    # A webhook has no reader and names no contact. A link to the audio would expire before the last attempt.
    body = {
        "id": event.id,
        "type": name,
        "org_id": event.org_id,
        "created_at": event.at,
        "data": shared_fields(voicemail),
    }
    return [RenderedEvent(event=name, body=body, sequence=event.sequence, key=event.id)]
