"""Approvals of tools in the `activity` table.

| item | pk | sk |
|---|---|---|
| approval | `<org>#tool-approval#<id>` | `approval` |

gsi1 lists all approvals, and gsi2 lists them by state. They have `expires`, in seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Sequence

from switchboard.aws.dynamodb import Item, Key
from switchboard.kit import clock, texts
from switchboard.persistence.collection import Collection
from switchboard.persistence.listing import Listing, ListView, place_of
from switchboard.tool_approvals.models import KEPT_FOR, ToolApproval

LISTING = Listing("activity", "tool-approvals", (ListView(index="gsi1"), ListView(by=("state",), index="gsi2")))


def _key(org_id: str, approval_id: str) -> Key:
    return {"pk": f"{org_id}#tool-approval#{approval_id}", "sk": "approval"}


def _lists(approval: ToolApproval) -> Item:
    place = place_of(approval.created_at, approval.id)
    return LISTING.index_attributes(approval.org_id, place, {"state": approval.state.value})


def _pack(item: Item) -> Item:
    # The arguments are JSON of a model. Missing values are not stored, to save space.
    return {name: value for name, value in item.items() if value is not None} | {
        "arguments": texts.dump_json(item["arguments"]),
        "expires": int((clock.parse(item["created_at"]) + KEPT_FOR).timestamp()),
    }


def _unpack(item: Item) -> Item:
    return item | {"arguments": texts.load_json(item["arguments"])}


APPROVALS = Collection("activity", ToolApproval, _key, _lists, _pack, _unpack)


def list_approvals(
    org_id: str, states: Sequence[str], limit: int, after: str | None
) -> tuple[list[ToolApproval], str | None]:
    page = LISTING.read_page(org_id, {"state": states} if states else {}, limit, after)
    return [APPROVALS.from_item(item) for item in page.items], page.cursor
