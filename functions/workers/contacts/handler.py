"""Contacts behind the scenes: what their notes can be found by, and contacts from the call history."""

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
