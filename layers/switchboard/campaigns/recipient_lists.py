"""Lists the recipients of a campaign in their order, which crosses the partitions of the table."""

from __future__ import annotations

from typing import NamedTuple

from switchboard.campaigns import changes, store
from switchboard.campaigns.models import Campaign, Recipient, RecipientStatus
from switchboard.persistence import cursors
from switchboard.persistence.page_cuts import cut_page

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

    A page with a status looks at a limited number of recipients, so it may be short although more pages follow. It
    looks for one recipient more than it shows, so the last page has no cursor.
    Raises NotFound, and Invalid for a cursor of another list.
    """
    campaign = changes.require_campaign(org_id, campaign_id)
    query = f"recipients:{campaign_id}:{status}"
    start = cursors.decode_cursor(after, org_id, query)
    index = int(start["index"]) if start else 0
    end = min(campaign.total, index + (_MAX_LOOKS if status else limit))

    def fits(one: Recipient) -> bool:
        return status in (None, one.status)

    looked: list[Recipient] = []
    while index < end and sum(map(fits, looked)) <= limit:
        stop = min(end, index + max(limit, 100))
        found = store.list_recipients(org_id, campaign_id, index, stop)
        looked += [one.model_copy(update={"status": one.status_in(campaign)}) for one in found]
        index = stop
    cut = cut_page(looked, fits, limit, more=index < campaign.total)
    more = {"index": cut.last.index + 1} if cut.last else None
    return RecipientPage(campaign, cut.shown, cursors.encode_cursor(more, org_id, query))
