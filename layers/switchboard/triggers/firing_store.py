"""Firings in the `activity` table. They expire by themselves.

| item | pk | sk |
|---|---|---|
| firing | `<org>#firings#<trigger id>` | `<id>` |
| body of a firing | `<org>#firing-bodies#<id>` | `body` |

A firing has an attribute `start#<flow>` for each flow that it started or that was refused. The attribute is also the
mark that the flow was started: it is written in the commit of the call or the text. So a flow starts once per firing.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Put, Update
from switchboard.kit import clock
from switchboard.messaging import acceptance
from switchboard.persistence.idempotency import AlreadyDoneError
from switchboard.persistence.listing import read_query_page
from switchboard.triggers.models import FIRINGS_KEPT, Channel, Firing, FlowStart

FIRING_PREFIX = "fir"
#: The prefix of the ids of texts for later.
SCHEDULED_PREFIX = acceptance.SCHEDULED_PREFIX
_START = "start#"
_PACKED_FROM_CHARACTERS = 800


def _firing_key(org_id: str, trigger_id: str, firing_id: str) -> Key:
    return {"pk": f"{org_id}#firings#{trigger_id}", "sk": firing_id}


def _body_key(org_id: str, firing_id: str) -> Key:
    return {"pk": f"{org_id}#firing-bodies#{firing_id}", "sk": "body"}


def firing_writes(firing: Firing, body: str) -> list[Put]:
    """Returns the writes of a new firing and of its body, which is JSON text."""
    expires = int((clock.parse(firing.created_at) + FIRINGS_KEPT).timestamp())
    item = {
        **_firing_key(firing.org_id, firing.trigger_id, firing.id),
        **firing.model_dump(exclude={"starts"}),
        "expires": expires,
    }
    kept = {**_body_key(firing.org_id, firing.id), "body": _pack_body(body), "expires": expires}
    return [Put(table="activity", item=one, unless_exists=True) for one in (item, kept)]


def _pack_body(body: str) -> str | bytes:
    """Returns a body as it is stored: a large one is compressed, because a write costs as much as its item is large."""
    return zlib.compress(body.encode()) if len(body) > _PACKED_FROM_CHARACTERS else body


def _unpack_body(kept: str | bytes) -> str:
    return zlib.decompress(kept).decode() if isinstance(kept, bytes) else kept


def _parse_firing(item: Item) -> Firing:
    starts = [FlowStart.model_validate(value) for name, value in item.items() if name.startswith(_START)]
    return Firing.model_validate({**item, "starts": sorted(starts, key=lambda one: (one.at, one.flow_id))})


def get_firing(org_id: str, trigger_id: str, firing_id: str) -> Firing | None:
    """Reads a firing, `None` if it has expired."""
    item = reads.get_item("activity", _firing_key(org_id, trigger_id, firing_id))
    return _parse_firing(item) if item else None


def get_firing_with_body(org_id: str, trigger_id: str, firing_id: str) -> tuple[Firing, str] | None:
    """Reads a firing and the JSON text of its body, `None` if they have expired."""
    item, kept = reads.get_items("activity", [_firing_key(org_id, trigger_id, firing_id), _body_key(org_id, firing_id)])
    return (_parse_firing(item), _unpack_body(kept["body"])) if item and kept else None


def list_firings(org_id: str, trigger_id: str, limit: int, after: str | None) -> tuple[list[Firing], str | None]:
    """Returns a page of a trigger's firings, newest first, and the cursor of the next page."""
    query = Query(table="activity", partition=f"{org_id}#firings#{trigger_id}", forward=False)
    return read_query_page(query, _parse_firing, org_id, f"firings:{trigger_id}", limit, after)


class FlowDecidedError(Exception):
    """The flow has its result for this firing, or the firing has expired: nothing is left to do."""


def _decided(_: list[Item | None]) -> Exception:
    return FlowDecidedError()


def start_write(
    firing: Firing, start: FlowStart, otherwise: Callable[[list[Item | None]], Exception] = _decided
) -> Update:
    """Returns the write that records the result of a flow for a firing.

    Raises FlowDecidedError at commit if the flow has a result, or if the firing has expired. `otherwise` replaces that
    error.
    """
    return Update(
        table="activity",
        key=_firing_key(firing.org_id, firing.trigger_id, firing.id),
        expression="SET #start = :start",
        names={"#start": f"{_START}{start.flow_id}"},
        values={":start": start.model_dump(exclude_none=True)},
        condition="attribute_exists(pk) AND attribute_not_exists(#start)",
        otherwise=otherwise,
    )


def _started(flow_id: str, items: list[Item | None]) -> Exception:
    found: dict[str, Any] = (items[0] or {}).get(f"{_START}{flow_id}") or {}
    subject_id = found.get("subject_id")
    return AlreadyDoneError(subject_id, "") if subject_id else FlowDecidedError()


@dataclass(frozen=True, slots=True)
class FlowMark:
    """The mark that a firing starts a flow: one call or one text, also if the job comes twice."""

    firing: Firing
    flow_id: str
    channel: Channel

    def marker_write(self, subject_id: str) -> Update:
        """Returns the write of the mark. Raises AlreadyDoneError or FlowDecidedError at commit."""
        scheduled = self.channel == "sms" and subject_id.startswith(f"{SCHEDULED_PREFIX}_")
        start = FlowStart(
            flow_id=self.flow_id,
            channel=self.channel,
            status="scheduled" if scheduled else "started",
            subject_id=subject_id,
            at=clock.now_iso(),
        )
        return start_write(self.firing, start, partial(_started, self.flow_id))

    def require_new(self) -> None:
        """Raises AlreadyDoneError or FlowDecidedError if an earlier run has made the mark."""
        item = reads.get_item("activity", _firing_key(self.firing.org_id, self.firing.trigger_id, self.firing.id))
        if item is None or f"{_START}{self.flow_id}" in item:
            raise _started(self.flow_id, [item])
