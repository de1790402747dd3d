"""HUM's webhooks (docs/contracts/hum.md#webhooks).

An answered call is reported when its talk is summarized, with the summary. Any other call is reported at its end.
`webhook_models.py` has the models of the data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from switchboard.events.models import Event
from switchboard.kit import texts
from switchboard.usage.models import MICROS_PER_CENT
from switchboard.webhooks.event_names import TEST_EVENT, name_of
from switchboard.webhooks.models import RenderedEvent

if TYPE_CHECKING:
    from switchboard.brands.models import Brand
    from switchboard.calls.models import Call
    from switchboard.email.models import MessageHead
    from switchboard.messaging.models import TextConversation, TextMessage
    from switchboard.tool_approvals.models import ToolApproval
    from switchboard.triggers.models import ReportedFiring
    from switchboard.voicemails.models import Voicemail
    from switchboard.widgets.models import Lead

#: The ends of calls. An answered call has no webhook at its end, because its summary follows.
_ENDS = frozenset({"completed", "busy", "no_answer", "failed", "canceled"})


def render(event: Event, subject: Any) -> list[RenderedEvent]:
    """Returns the webhook of an event, with its current subject. A deleted subject has none."""
    facts = FACTS.get(event.subject.type)
    if facts is None:
        data: dict[str, Any] | None = plain_data(event)
    else:
        data = facts(event, subject) if subject else None
    name = name_of("hum", event)
    assert name is not None, "only events with a name are rendered"
    return [_rendered(event, name, data)] if data is not None else []


def render_test(event: Event) -> RenderedEvent:
    """Returns the body of a test delivery."""
    return _rendered(event, TEST_EVENT, {"webhook_id": event.subject.id})


def _rendered(event: Event, name: str, data: dict[str, Any]) -> RenderedEvent:
    body = {"id": event.id, "type": name, "org_id": event.org_id, "created_at": event.at, "data": data}
    return RenderedEvent(event=name, body=body, sequence=event.sequence, key=event.id)


def plain_data(event: Event) -> dict[str, Any]:
    """Returns the data of an event whose subject is not read: the id of the subject and the facts of the event."""
    return {"id": event.subject.id, **event.data}


def _voicemail_data(_: Event, voicemail: Voicemail) -> dict[str, Any]:
    # Loaded late for a shorter cold start: most webhooks are of other APIs.
    from switchboard.dialects.hum.voicemail_views import shared_fields

    # A webhook has no reader and names no contact. A link to the audio would expire before the last attempt.
    return shared_fields(voicemail)


def _lead_data(_: Event, lead: Lead) -> dict[str, Any]:
    # Loaded late, as above.
    from switchboard.dialects.hum.widget_views import LeadView

    return LeadView.of(lead).model_dump() | {"token_id": lead.token_id}


def _conversation_data(_: Event, conversation: TextConversation) -> dict[str, Any]:
    # Loaded late, as above.
    from switchboard.dialects.hum.text_views import conversation_fields

    # A webhook names no contact, and does not say what the ledger has at the time of the delivery.
    return conversation_fields(conversation)


def _text_data(_: Event, text: TextMessage) -> dict[str, Any]:
    # Loaded late, as above.
    from switchboard.dialects.hum.text_views import message_fields

    ends = (text.contact_e164, text.number_e164)
    sender, recipient = ends if text.direction == "inbound" else ends[::-1]
    return message_fields(text, linked=False) | {"from_e164": sender, "to_e164": recipient}


def _mail_data(event: Event, mail: MessageHead) -> dict[str, Any] | None:
    if mail.kind != "mail":
        return None  # a mail of the platform itself
    digests = event.data.get("recipients", ())
    found = event.data.get("verdicts", {})
    return {
        "id": mail.id,
        "agent_id": mail.agent_id,
        "direction": mail.direction.lower(),
        "from_address": mail.from_address,
        # The event has digests of the addresses that it is about.
        "recipients": [address for address in mail.recipients if texts.digest(address.lower()) in digests],
        "thread_id": mail.thread_id,
        "subject": mail.subject,
        "spam": bool(event.data.get("spam", False)),
        "verdicts": {name: found.get(name) for name in ("spf", "dkim", "dmarc")}
        if event.type == "email.received"
        else None,
    }


def _firing_data(_: Event, fired: ReportedFiring) -> dict[str, Any]:
    """Returns the data of a fired event. A body that does not fit whole into a webhook is left out."""
    firing = fired.firing
    return {
        "trigger_id": firing.trigger_id,
        "trigger_name": fired.trigger_name,
        "event_type": firing.event_type,
        "firing_id": firing.id,
        "body": None if fired.is_large else fired.body,
        "body_omitted": fired.is_large,
    }


def _number_data(event: Event, number: Any) -> dict[str, Any]:
    """Returns the data of one of our numbers, or of a contact's number that opted out or in."""
    if event.type.startswith("sms."):
        return _opt_out_data(event, number)
    names = ("id", "e164", "friendly_name", "flow_id", "sms_flow_id", "status", "created_at")
    return {name: getattr(number, name) for name in names}


def _opt_out_data(event: Event, number: Any) -> dict[str, Any]:
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


def _brand_data(_: Event, brand: Brand) -> dict[str, Any]:
    # Loaded late, as above. A later submission may have changed the state since.
    from switchboard.dialects.hum.brand_views import brand_fields

    return brand_fields(brand)


def _campaign_data(_: Event, brand: Brand) -> dict[str, Any] | None:
    # Loaded late, as above. A campaign is a part of its brand.
    from switchboard.dialects.hum.brand_views import campaign_fields

    return campaign_fields(brand.campaign) if brand.campaign else None


def _call_data(event: Event, call: Call) -> dict[str, Any] | None:
    if event.type.rpartition(".")[2] in _ENDS and call.connected_at:
        return None
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
    switched = {"flow_id": event.data.get("flow"), "from_flow_id": event.data.get("from_flow")}
    return data | {
        "cost_cents": call.cost_micros / MICROS_PER_CENT,
        "summary": summary._asdict() if summary else None,
        **outcome_fields(stored),
        **(switched if event.type == "voice.call.flow_switched" else {}),
    }


def _approval_data(_: Event, approval: ToolApproval) -> dict[str, Any]:
    # The result of a tool is a stranger's text, and stays in the API.
    names = ("id", "state", "server_id", "server_label", "tool", "name", "arguments", "flow_id", "conversation_id")
    more = ("expires_at", "decided_by", "decided_at", "outcome", "created_at")
    return {name: getattr(approval, name) for name in (*names, *more)}


#: For each type of subject, a function that returns the data of its webhooks, `None` for no webhook. Other subjects are
#: not read (`plain_data`).
FACTS: dict[str, Callable[[Event, Any], dict[str, Any] | None]] = {
    "brand": _brand_data,
    "brand_campaign": _campaign_data,
    "call": _call_data,
    "conversation": _conversation_data,
    "message": _mail_data,
    "number": _number_data,
    "text": _text_data,
    "tool_approval": _approval_data,
    "trigger": _firing_data,
    "voicemail": _voicemail_data,
    "widget_lead": _lead_data,
}
