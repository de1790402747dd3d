"""Background work for organizations that are deleted: their end at providers, and the deletion of their data."""

from __future__ import annotations

from switchboard import workers
from switchboard.offboarding import deleting
from switchboard.offboarding.jobs import ContinueDeletion

handler = workers.job_handler({ContinueDeletion: lambda job: deleting.continue_deletion(job.org_id)})
