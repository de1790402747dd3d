"""Anima's webhooks: one flat JSON object for each event (docs/contracts/anima.md#webhooks)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from switchboard.calls import failures
from switchboard.events.models import Event
from switchboard.kit import texts
from switchboard.webhooks.event_names import EVENT_NAMES
from switchboard.webhooks.models import RenderedEvent

if TYPE_CHECKING:
    from switchboard.calls.models import Call
    from switchboard.dialects.anima.webhook_bodies import CallFacts, MailFacts, SenderVerdicts
    from switchboard.email.models import MessageHead


def render(event: Event, subject: Any) -> list[RenderedEvent]:
    """Returns the webhook of an event, empty if its subject is erased or not for webhooks."""
    name = EVENT_NAMES["anima"][event.type]
    facts = FACTS[event.subject.type](event, subject)
    if facts is None:
        return []
    body: dict[str, Any] = {
        "event": name,
        "occurredAt": event.at,
        "correlationId": event.correlation_id,
        "sequence": event.sequence,
    }
    # The fields that every body has are never replaced.
    body |= {fact: value for fact, value in facts.items() if fact not in body}
    return [RenderedEvent(event=name, body=body, sequence=body["sequence"], key=event.id)]


def _agent(event: Event, _: Any) -> dict[str, Any]:
    return {"agentId": event.subject.id, **_plain(event)}


def _webhook(event: Event, _: Any) -> dict[str, Any]:
    return {"webhookId": event.data.get("webhook_id", event.subject.id), **_plain(event)}


def _plain(event: Event) -> dict[str, Any]:
    return {name: value for name, value in event.data.items() if isinstance(value, str | int | bool)}


def _message(event: Event, message: MessageHead | None) -> MailFacts | None:
    if message is None or message.kind != "mail":
        return None  # an erased message, or a mail of the platform itself
    about = _recipients(event, message)
    facts: MailFacts = {
        "messageId": message.id,
        "agentId": message.agent_id,
        "channel": "EMAIL",
        "direction": message.direction,
        "fromAddress": message.from_address,
        "toAddress": next(iter(about or message.to), None),
        "recipients": about,
        "threadId": message.thread_id,
        "subject": message.subject,
        "spam": bool(event.data.get("spam", False)),
    }
    if event.type == "email.received":
        facts["verdicts"] = _verdicts(event)
    return facts


def _verdicts(event: Event) -> SenderVerdicts:
    """Returns the results of the sender checks. Without them, a receiver must not trust `fromAddress`."""
    found = event.data.get("verdicts", {})
    return {"spf": found.get("spf"), "dkim": found.get("dkim"), "dmarc": found.get("dmarc")}


def _recipients(event: Event, message: MessageHead) -> list[str]:
    """Returns the recipients of a mail that an event concerns. The event has digests of their addresses."""
    digests = event.data.get("recipients", ())
    return [address for address in message.recipients if texts.digest(address.lower()) in digests]


def _call(_: Event, call: Call | None) -> CallFacts | None:
    if call is None:
        return None
    return {
        "callId": call.id,
        "agentId": call.agent_id,
        "direction": call.direction,
        "state": "ENDED",
        "from": call.from_number,
        "to": call.to_number,
        "tier": call.tier.value,
        "endReason": call.end_reason.value if call.end_reason else None,
        "error": failures.describe_failure(call),
        "durationSeconds": call.duration_seconds,
        "startedAt": call.started_at,
        "answeredAt": call.connected_at,
        "endedAt": call.ended_at,
    }


#: For each type of subject, a function that returns the webhook's fields, `None` for no webhook.
FACTS: dict[str, Callable[[Event, Any], Mapping[str, Any] | None]] = {
    "message": _message,
    "call": _call,
    "agent": _agent,
    "webhook": _webhook,
    "webhook_delivery": _webhook,
}
