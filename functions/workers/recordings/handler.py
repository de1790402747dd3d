"""Fetches the recordings of calls from their providers, and stops waiting for those that never come."""

from __future__ import annotations

from switchboard import workers
from switchboard.calls import recordings
from switchboard.calls.jobs import CloseVoicemail, FetchRecording

handler = workers.job_handler(
    {
        FetchRecording: lambda job: recordings.fetch_recording(job.org_id, job.call_id, job.recording_id, job.attempts),
        CloseVoicemail: lambda job: recordings.close_voicemail(job.org_id, job.call_id),
    }
)
