"""Creates the voicemails of stored messages, gets their transcripts, and erases deleted ones."""

from __future__ import annotations

from switchboard import workers
from switchboard.voicemails import creation, deletion, transcribing
from switchboard.voicemails.jobs import CreateVoicemail, EraseVoicemail, TranscribeVoicemail, UseProviderText

handler = workers.job_handler(
    {
        CreateVoicemail: lambda job: creation.create_voicemail(job.org_id, job.call_id, job.recording_id),
        UseProviderText: transcribing.use_provider_text,
        TranscribeVoicemail: transcribing.transcribe_voicemail,
        EraseVoicemail: deletion.erase_voicemail,
    }
)
