"""The hashes of the chain. This module uses no storage, so anyone can verify an export offline.

`immutableHash = "sha256:" + hex(SHA256(prevHash + "\\n" + canonical JSON of the rest of the document))`, where
canonical JSON has sorted keys, no white space and UTF-8 text. `/v1/audit/events` lists each document as it was hashed.
A reader removes only `immutableHash` before hashing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from switchboard.audit.models import GENESIS, ChainHead, Link
from switchboard.events import registry
from switchboard.events.models import Event

HASH_FIELD = "immutableHash"


def event_document(event: Event) -> dict[str, Any]:
    """Returns an event's document, without the fields of the chain."""
    category, _, _ = event.type.partition(".")
    return {
        "id": event.id,
        "timestamp": event.at,
        "category": category,
        "channel": registry.channel_of(event.type),
        "action": event.type,
        "actorId": event.actor.id,
        "actorType": event.actor.type,
        "agentId": event.agent_id,
        "resourceType": event.subject.type,
        "resourceId": event.subject.id,
        "correlationId": event.correlation_id,
        "metadata": event.data,
    }


def unsealed_document(event: Event) -> dict[str, Any]:
    """Returns the document of an event that is not yet in the chain. The fields of the chain are null."""
    return event_document(event) | {"seq": None, "prevHash": None, HASH_FIELD: None}


def make_link(event: Event, head: ChainHead) -> Link:
    """Returns the event's link after `head`."""
    shown = event_document(event) | {"seq": head.seq + 1, "prevHash": head.hash}
    canonical = _canonical(shown)
    digest = _digest(head.hash, canonical)
    return Link(seq=head.seq + 1, hash=digest, document=shown | {HASH_FIELD: digest}, size=len(canonical))


def digest_of(shown: dict[str, Any]) -> str:
    """Returns the hash of a document. A hash inside the document is ignored."""
    body = {name: value for name, value in shown.items() if name != HASH_FIELD}
    return _digest(body["prevHash"], _canonical(body))


def size_of(shown: dict[str, Any]) -> int:
    """Returns the size of a document as JSON, in bytes."""
    return len(_canonical(shown))


def _canonical(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _digest(previous: Any, canonical: bytes) -> str:
    return "sha256:" + hashlib.sha256(f"{previous}\n".encode() + canonical).hexdigest()


class VerificationResult(NamedTuple):
    """The result of a verification: the number of valid links, the last valid hash, and the first fault if any."""

    links: int
    head: str
    fault: str | None


def verify_export(documents: Iterable[dict[str, Any]], after: ChainHead | None = None) -> VerificationResult:
    """Verifies an export: the numbers have no gap, each link names the hash of the link before, each hash is right.

    `after` is the head before the export. By default the export begins with the organization's first event.
    """
    seq, previous = after or ChainHead(0, GENESIS)
    for number, shown in enumerate(documents):
        problem = _fault(shown, seq, previous)
        if problem:
            return VerificationResult(number, previous, f"link {number + 1}: {problem}")
        seq, previous = seq + 1, str(shown[HASH_FIELD])
    return VerificationResult(seq - (after.seq if after else 0), previous, None)


def _fault(shown: dict[str, Any], seq: int, previous: str) -> str | None:
    if shown.get("seq") != seq + 1:
        return f"expected seq {seq + 1}, found {shown.get('seq')}"
    if shown.get("prevHash") != previous:
        return f"seq {seq + 1} does not name the hash of seq {seq}"
    if shown.get(HASH_FIELD) != digest_of(shown):
        return f"seq {seq + 1} was changed: its hash does not match"
    return None
