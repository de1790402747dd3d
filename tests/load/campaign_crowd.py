"""Campaigns for the measurement of lists, as the service stores them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from switchboard.aws.dynamodb import Item
from switchboard.campaigns import counts, store
from switchboard.campaigns.models import Campaign, CampaignStatus
from switchboard.kit import clock, ids

_STATUSES = tuple(CampaignStatus)


def campaign_items(org_id: str, size: int, line: tuple[str, str], user_id: str) -> Iterator[tuple[str, Item]]:
    """Yields campaigns of the last months, in any status, with their counts. `line` is the id and the number."""
    now = clock.now()
    for place in range(size):
        at = now - timedelta(minutes=place)
        campaign = Campaign(
            id=ids.derive_id(store.CAMPAIGN_PREFIX, round(at.timestamp() * 1_000), org_id, str(place)),
            org_id=org_id,
            name=f"Campaign {place}",
            status=_STATUSES[place % len(_STATUSES)],
            number_id=line[0],
            number_e164=line[1],
            body_template="Hello.",
            throttle_per_minute=60,
            total=counts.SLICES,
            created_by=user_id,
            correlation_id="cor_1",
            created_at=clock.format_iso(at),
            updated_at=clock.format_iso(at),
        )
        yield "core", store.CAMPAIGNS.create_write(campaign).item
        for write in counts.new_slice_writes(campaign):
            yield "core", write.item | {"total": 1, "delivered": 1}
