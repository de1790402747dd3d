"""Background work for brands: their registration step by step, its verdicts, and the state of the numbers."""

from __future__ import annotations

from switchboard import workers
from switchboard.brands import marking, registering, verification
from switchboard.brands.jobs import (
    AdvanceRegistration,
    CheckRegistration,
    MarkNumber,
    MarkNumbers,
    RecheckRegistration,
    SendVerification,
    WatchRegistration,
)

handler = workers.job_handler(
    {
        AdvanceRegistration: registering.advance_registration,
        CheckRegistration: lambda job: registering.check_registration(job.org_id, job.brand_id),
        MarkNumber: marking.mark_number,
        MarkNumbers: marking.mark_numbers,
        RecheckRegistration: registering.recheck_registration,
        SendVerification: verification.send_verification,
        WatchRegistration: registering.watch_registration,
    }
)
