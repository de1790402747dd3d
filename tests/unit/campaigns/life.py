"""One item of each kind of the noun `campaigns`."""

from __future__ import annotations

from switchboard.aws.writes import commit
from switchboard.campaigns import counts, pace, pace_store
from switchboard.campaigns.health import has_too_many_failures
from switchboard.team.permissions import Role
from tests.actors import Tenant, member
from tests.unit.calls.console_calls import save_number
from tests.unit.campaigns.desk import add_rows, get_recipient, import_all, make_campaign


def live(acme: Tenant) -> None:
    """Write one item of each kind."""
    who = member(acme.org_id, Role.OPERATOR, "Campaigner")
    campaign = make_campaign(who, save_number(acme.org_id, "+12125550101"), 1)
    add_rows(who, campaign, [{"contact_e164": "nobody"}])
    import_all(campaign)
    begun = pace.start_launch(None, 1, 60)
    assert begun
    pace_store.store_launch(campaign.org_id, campaign.id, begun)
    has_too_many_failures(campaign)
    commit(counts.put_off_writes(get_recipient(campaign, 0), "2026-01-16T14:00:00.000Z"))
