"""The audit chain as the source of live streams. Each dialect gives its own spelling of an event."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from switchboard.audit import service
from switchboard.streams.models import EntryBatch, StreamEntry, StreamStart

_DIGEST = re.compile("[0-9a-f]{64}")
_MAX_VALUE_CHARACTERS, _MAX_DETAIL_CHARACTERS = 64, 200


class AuditChain:
    """An organization's audit chain. The place is the event's `seq`. The source never ends.

    A client without a place starts at the end. A client with a place that the chain has never reached starts there too:
    the number comes from another deployment, and waiting for it would skip all events until then.

    `render` makes the entry of a document, once for all streams of the same `name`.
    """

    def __init__(self, org_id: str, name: str, render: Callable[[dict[str, Any]], StreamEntry]) -> None:
        self._org_id, self._name, self._render = org_id, name, render

    @property
    def id(self) -> str:
        """The id of the chain in one spelling."""
        return f"{self._org_id}#{self._name}"

    def find_start(self, last_seen: int | None) -> StreamStart:
        """Returns the start for a client."""
        head = service.get_head(self._org_id).seq
        if last_seen is None or not service.has_reached(self._org_id, last_seen, head):
            return StreamStart(after=head, head=head, resumed=False)
        return StreamStart(after=last_seen, head=head, resumed=True)

    def read_entries(self, after: int, limit: int) -> EntryBatch:
        """Returns up to `limit` events after a `seq`."""
        return EntryBatch([self._render(one) for one in service.list_next_documents(self._org_id, after, limit)])


def event_detail(document: dict[str, Any]) -> str:
    """Returns the event's subject and facts as one line: ids, states and counts, but no addresses and no digests."""
    facts = ((name, _fact(value)) for name, value in document["metadata"].items())
    told = " ".join(f"{name}={fact}" for name, fact in facts if fact is not None)
    return f"{document['resourceType']} {document['resourceId']} {told}".rstrip()[:_MAX_DETAIL_CHARACTERS]


def _fact(value: Any) -> str | None:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value)
        case list():
            return str(len(value))
        case str() if value and len(value) <= _MAX_VALUE_CHARACTERS and not _may_identify_person(value):
            return value
    return None


def _may_identify_person(text: str) -> bool:
    # Events hold digests instead of addresses. This check also stops an address that code records by mistake.
    return "@" in text or text.startswith("+") or bool(_DIGEST.fullmatch(text))
