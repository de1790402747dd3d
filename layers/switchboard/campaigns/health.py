"""Whether too many of a campaign's latest texts failed at the carrier.

| item | pk | sk |
|---|---|---|
| counts at the latest look | `<org>#campaign#<id>#pace` | `health` |
"""

from __future__ import annotations

from switchboard.aws import reads, writes
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Ref
from switchboard.aws.writes import Put
from switchboard.campaigns import counts, store
from switchboard.campaigns.models import Campaign

#: The ended texts of one look, and the share of failed ones that stops a campaign, in percent.
TEXTS_OF_A_LOOK, MAX_FAILED_PERCENT = 100, 30


def has_too_many_failures(campaign: Campaign) -> bool:
    """Whether more than 30 % failed of the texts that ended since the last look, if those are at least 100.

    Recipients that the compliance gate refused do not count. A new launch looks from its beginning.
    """
    *slices, seen = reads.read_refs(
        *counts.slice_refs(campaign.org_id, campaign.id), Ref("core", _health_key(campaign), dict)
    )
    now = counts.add_counts(slices)  # type: ignore[arg-type]
    failed = now.failed - now.blocked
    ended = now.delivered + failed
    before: Item = seen if isinstance(seen, dict) and seen.get("launch") == campaign.launch else {}
    if before and ended - before["ended"] < TEXTS_OF_A_LOOK:
        return False
    facts = {"launch": campaign.launch, "ended": ended, "failed": failed}
    writes.write_item(Put(table="core", item={**_health_key(campaign), **facts}))
    if not before and campaign.launch == 1:
        before = {"ended": 0, "failed": 0}
    new = ended - before.get("ended", ended)
    return bool(new >= TEXTS_OF_A_LOOK and (failed - before["failed"]) * 100 > MAX_FAILED_PERCENT * new)


def _health_key(campaign: Campaign) -> Key:
    return {"pk": f"{store.campaign_partition(campaign.org_id, campaign.id)}#pace", "sk": "health"}
