"""Summarizes the talks of calls that are over."""

from __future__ import annotations

from switchboard import workers
from switchboard.calls import summarizing
from switchboard.calls.jobs import SummarizeCall

handler = workers.job_handler(
    {SummarizeCall: lambda job: summarizing.summarize_call(job.org_id, job.call_id, job.tries)}
)
