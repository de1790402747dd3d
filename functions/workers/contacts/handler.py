"""Background work for contacts: the search index of notes, and the backfill from the call history."""

from __future__ import annotations

from switchboard import workers
from switchboard.contacts import backfill, indexing
from switchboard.contacts.jobs import ContinueBackfill, IndexContacts

handler = workers.job_handler(
    {
        IndexContacts: lambda job: indexing.update_tails(job.org_id, job.contact_ids),
        ContinueBackfill: lambda job: backfill.run_next_steps(job.org_id, job.backfill_id),
    }
)
