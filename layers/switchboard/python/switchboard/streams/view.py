"""Renders a sealed event for the stream (docs/contracts/anima.md#stream)."""

from __future__ import annotations

import re
from typing import Any

from switchboard.streams import sse
from switchboard.streams.models import Entry

_DIGEST = re.compile("[0-9a-f]{64}")
_LONGEST_VALUE, _LONGEST_DETAIL = 64, 200


def entry(document: dict[str, Any]) -> Entry:
    """Render a document of the audit chain once for all streams."""
    shown = event(document)
    return Entry(
        place=document["seq"],
        frame=sse.event(document["seq"], shown),
        facts={"channel": shown["channel"], "agent_id": document["agentId"]},
    )


def event(document: dict[str, Any]) -> dict[str, Any]:
    """Return the data that clients get. Without a channel, `channel` is the category: `agent`, `key`, `billing` …"""
    return {
        "ts": document["timestamp"],
        "channel": document["channel"] or document["category"],
        "agentId": document["agentId"],
        "event": document["action"],
        "detail": detail(document),
        "correlationId": document["correlationId"],
    }


def detail(document: dict[str, Any]) -> str:
    """Return the event's subject and facts as one line: ids, states and counts, but no addresses and no digests."""
    facts = ((name, _fact(value)) for name, value in document["metadata"].items())
    told = " ".join(f"{name}={fact}" for name, fact in facts if fact is not None)
    return f"{document['resourceType']} {document['resourceId']} {told}".rstrip()[:_LONGEST_DETAIL]


def _fact(value: Any) -> str | None:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value)
        case list():
            return str(len(value))
        case str() if value and len(value) <= _LONGEST_VALUE and not _may_tell_who(value):
            return value
    return None


def _may_tell_who(text: str) -> bool:
    # Events hold digests instead of addresses. This check also stops an address that code records by mistake.
    return "@" in text or text.startswith("+") or bool(_DIGEST.fullmatch(text))
