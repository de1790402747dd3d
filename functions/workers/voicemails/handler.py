"""Creates the voicemails of stored messages, and erases deleted ones."""

from __future__ import annotations

from switchboard import workers
from switchboard.voicemails import creation, deletion
from switchboard.voicemails.jobs import CreateVoicemail, EraseVoicemail

handler = workers.job_handler(
    {
        CreateVoicemail: lambda job: creation.create_voicemail(job.org_id, job.call_id, job.recording_id),
        EraseVoicemail: deletion.erase_voicemail,
    }
)
