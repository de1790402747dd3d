"""Jobs behind contacts."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class IndexContacts(Job, queue="contacts"):
    """Bring the index of contacts' notes to what the contacts are now."""

    org_id: str
    contact_ids: list[str]


class ContinueBackfill(Job, queue="contacts"):
    """Do a backfill's next steps."""

    org_id: str
    backfill_id: str
