"""HUM's webhooks of calls, voicemails, texts, conversations and opt-outs (docs/contracts/hum.md#webhooks-of-hum).

An answered call is reported when its talk is summarized, with the summary. Any other call is reported at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from switchboard.events.models import Event
from switchboard.usage.models import MICROS_PER_CENT
from switchboard.webhooks.event_names import EVENT_NAMES
from switchboard.webhooks.models import RenderedEvent

if TYPE_CHECKING:
    from switchboard.calls.models import Call
    from switchboard.compliance.ledgers import DigestedNumber
    from switchboard.messaging.models import TextConversation, TextMessage
    from switchboard.voicemails.models import Voicemail
    from switchboard.widgets.models import Lead

    WebhookSubject = Call | Lead | Voicemail | TextConversation | TextMessage | DigestedNumber

#: The events that come after the summary of an answered call.
_OF_SUMMARY = frozenset({"voice.call.summarized", "voice.call.outcome_captured"})


def render(event: Event, subject: WebhookSubject | None) -> list[RenderedEvent]:
    """Returns the webhook of an event, with its current subject. A deleted subject has none.

    The end of an answered call has none either: its summary follows.
    """
    data = _data(event, subject) if subject else None
    if data is None:
        return []
    name = EVENT_NAMES["hum"][event.type]
    body = {"id": event.id, "type": name, "org_id": event.org_id, "created_at": event.at, "data": data}
    return [RenderedEvent(event=name, body=body, sequence=event.sequence, key=event.id)]


def _data(event: Event, subject: Any) -> dict[str, Any] | None:
    if event.subject.type == "voicemail":
        return _voicemail_data(subject)
    if event.subject.type == "number":
        return _opt_out_data(event, subject)
    if event.subject.type == "widget_lead":
        return _lead_data(subject)
    if event.subject.type in ("text", "conversation"):
        return _text_data(event, subject)
    if event.type not in _OF_SUMMARY and subject.connected_at:
        return None
    return _call_data(subject)


def _voicemail_data(voicemail: Voicemail) -> dict[str, Any]:
    # Loaded late for a shorter cold start: most webhooks are of other APIs.
    from switchboard.dialects.hum.voicemail_views import shared_fields

    # A webhook has no reader and names no contact. A link to the audio would expire before the last attempt.
    return shared_fields(voicemail)


def _lead_data(lead: Lead) -> dict[str, Any]:
    # Loaded late, as above.
    from switchboard.dialects.hum.widget_views import LeadView

    return LeadView.of(lead).model_dump() | {"token_id": lead.token_id}


def _text_data(event: Event, subject: Any) -> dict[str, Any]:
    # Loaded late, as above.
    from switchboard.dialects.hum import text_views

    # A webhook names no contact, and does not say what the ledger has at the time of the delivery.
    if event.subject.type == "conversation":
        return text_views.conversation_fields(subject)
    return text_views.message_fields(subject, linked=False) | {
        "from_e164": subject.contact_e164 if subject.direction == "inbound" else subject.number_e164,
        "to_e164": subject.number_e164 if subject.direction == "inbound" else subject.contact_e164,
    }


def _opt_out_data(event: Event, number: DigestedNumber) -> dict[str, Any]:
    """Returns the data of an opt-out, or of its end. The entry of the ledger may have changed since."""
    data: dict[str, Any] = {"e164": number.e164, "created_at": event.at, "created_by": event.actor.id}
    if event.type == "sms.opt_out":
        entry = number.opt_out
        data |= {
            "source": event.data.get("source"),
            "keyword": event.data.get("keyword"),
            "reason": entry.reason if entry and entry.created_at <= event.at else None,
        }
    return data


def _call_data(call: Call) -> dict[str, Any]:
    # Loaded late for a shorter cold start: most webhooks are of other APIs.
    from switchboard.call_records.models import CallRow, record_summary
    from switchboard.calls import summaries
    from switchboard.dialects.hum.call_details import outcome_fields
    from switchboard.dialects.hum.call_views import row_fields

    row = row_fields(CallRow(call, None, None, is_read=False))
    # A webhook has no reader, and names no contact.
    data = {name: value for name, value in row.items() if name not in ("is_read", "contact", "flow_name")}
    stored = summaries.get_summary(call.org_id, call.id) if call.summarized_at else None
    summary = record_summary(call, stored)
    return data | {
        "cost_cents": call.cost_micros / MICROS_PER_CENT,
        "summary": summary._asdict() if summary else None,
        **outcome_fields(stored),
    }
