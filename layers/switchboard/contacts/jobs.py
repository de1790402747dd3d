"""Jobs of contacts."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class IndexContacts(Job, queue="contacts"):
    """Update the search index of contacts' notes."""

    org_id: str
    contact_ids: list[str]


class ContinueBackfill(Job, queue="contacts"):
    """Do a backfill's next steps."""

    org_id: str
    backfill_id: str
