"""Background work for contacts: the search index of notes, and the backfill from the call history."""

from __future__ import annotations

from switchboard import consumer
from switchboard.contacts import backfill, indexing
from switchboard.contacts.jobs import ContinueBackfill, IndexContacts

handler = consumer.jobs(
    {
        IndexContacts: lambda job: indexing.catch_up(job.org_id, job.contact_ids),
        ContinueBackfill: lambda job: backfill.go_on(job.org_id, job.backfill_id),
    }
)
