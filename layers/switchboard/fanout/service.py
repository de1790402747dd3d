"""The outbox: sends a batch of the table's stream to the queues.

All messages of a batch are sent together: ten in a request, and the queues in parallel. Each message is assigned to its
stream record. If messages are rejected, the stream continues from the first record with a rejected message, so that
the messages of a workflow stay in order. Later records are then sent again, and every worker tolerates this.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

from switchboard import telemetry
from switchboard.aws import queues
from switchboard.aws.dynamodb import Item
from switchboard.events import service as events
from switchboard.events.models import Event
from switchboard.fanout import routes
from switchboard.kit.jobs import QueueMessage
from switchboard.timers import service as timers

AUDIT_QUEUE = "audit"
#: The largest body of a message with several events, in bytes: a quarter of SQS's limit.
_MAX_AUDIT_BODY_BYTES = 60_000


def forward_items(images: Sequence[Item | None]) -> int | None:
    """Sends the messages of stored items, in their order.

    Returns the index of the first item that must be sent again, `None` if all were sent. Skips an unreadable item,
    because it would block all later items, and counts it in a metric. A replay can send it later.
    """
    messages: list[QueueMessage] = []
    #: For each message, the index of the first item that it belongs to.
    places: list[int] = []
    told: list[tuple[int, Event]] = []
    for place, image in enumerate(images):
        try:
            made, event = _read(image)
        except ValueError:
            telemetry.emit_metric("OutboxUnreadable")
            telemetry.logger().error("outbox item not readable", extra={"sk": str((image or {}).get("sk"))})
            continue
        if event:
            told.append((place, event))
        messages += made
        places += [place] * len(made)
    for first, message in _for_the_audit(told):
        messages.append(message)
        places.append(first)
    if not messages:
        telemetry.log_skip("no record of the batch has a message", records=len(images))
        return None
    refused = queues.try_send_messages(messages)
    return min((places[number] for number in refused), default=None)


def replay_events(batch: Iterable[Event]) -> int:
    """Sends the jobs of events again. Returns the number of messages. Raises SendError."""
    told = list(enumerate(batch))
    messages = [message for _, event in told for message in routes.messages_of(event)]
    messages += [message for _, message in _for_the_audit(told)]
    queues.send_messages(messages)
    return len(messages)


def _read(image: Item | None) -> tuple[list[QueueMessage], Event | None]:
    match (image or {}).get("outbox"):
        case "event":
            assert image is not None
            event = events.parse_event(image)
            return list(routes.messages_of(event)), event
        case "job":
            assert image is not None
            return [timers.parse_outbox_message(image)], None
    return [], None


def _for_the_audit(told: Sequence[tuple[int, Event]]) -> Iterable[tuple[int, QueueMessage]]:
    """Yields audit messages with the events of each organization in order, each with its first event's index."""
    by_org: dict[str, list[tuple[int, Event]]] = {}
    for place, event in told:
        by_org.setdefault(event.org_id, []).append((place, event))
    for org_id, found in by_org.items():
        part: list[dict[str, object]] = []
        size, first = 0, found[0][0]
        for place, event in found:
            shown = event.model_dump(mode="json")
            length = len(json.dumps(shown, separators=(",", ":")))
            if part and size + length > _MAX_AUDIT_BODY_BYTES:
                yield first, _audit_message(org_id, part)
                part, size, first = [], 0, place
            part.append(shown)
            size += length
        yield first, _audit_message(org_id, part)


def _audit_message(org_id: str, shown: list[dict[str, object]]) -> QueueMessage:
    ids = "\n".join(str(one["id"]) for one in shown)
    dedupe = hashlib.sha256(ids.encode()).hexdigest()
    return QueueMessage(queue=AUDIT_QUEUE, body={"events": shown}, group=org_id, dedupe=dedupe)
