"""Fetches the recordings of calls from their providers, where they are deleted then."""

from __future__ import annotations

from switchboard import workers
from switchboard.calls import recordings, recordings_at_provider
from switchboard.calls.jobs import CloseVoicemail, FetchRecording, ForgetRecording

handler = workers.job_handler(
    {
        FetchRecording: lambda job: recordings.fetch_recording(job.org_id, job.call_id, job.recording_id, job.attempts),
        ForgetRecording: lambda job: recordings_at_provider.forget_recording(
            job.org_id, job.call_id, job.recording_id, job.attempts
        ),
        CloseVoicemail: lambda job: recordings.close_voicemail(job.org_id, job.call_id),
    }
)
