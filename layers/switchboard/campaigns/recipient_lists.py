"""Lists the recipients of a campaign in their order, which crosses the partitions of the table."""

from __future__ import annotations

from typing import NamedTuple

from switchboard.campaigns import changes, store
from switchboard.campaigns.models import Campaign, Recipient, RecipientStatus
from switchboard.persistence import cursors

#: The recipients that one page of a filtered list looks at.
_MAX_LOOKS = 2_000


class RecipientPage(NamedTuple):
    """A page of the recipients of a campaign, and the cursor of the next page. Each has its status in the campaign."""

    campaign: Campaign
    recipients: list[Recipient]
    cursor: str | None


def list_recipients(
    org_id: str, campaign_id: str, status: RecipientStatus | None, limit: int, after: str | None
) -> RecipientPage:
    """Returns a page of a campaign's recipients in their order.

    A page with a status looks at a limited number of recipients, so it may be short although more pages follow.
    Raises NotFound, and Invalid for a cursor of another list.
    """
    campaign = changes.require_campaign(org_id, campaign_id)
    query = f"recipients:{campaign_id}:{status}"
    start = cursors.decode_cursor(after, org_id, query)
    index = int(start["index"]) if start else 0
    end = min(campaign.total, index + (_MAX_LOOKS if status else limit))
    rows: list[Recipient] = []
    while index < end and len(rows) < limit:
        stop = min(end, index + max(limit, 100))
        for one in store.list_recipients(org_id, campaign_id, index, stop):
            index = one.index + 1
            shown = one.model_copy(update={"status": one.status_in(campaign)})
            if status in (None, shown.status):
                rows.append(shown)
            if len(rows) == limit:
                break
        else:
            index = stop
    more = {"index": index} if index < campaign.total else None
    return RecipientPage(campaign, rows, cursors.encode_cursor(more, org_id, query))
