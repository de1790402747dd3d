"""Writes the digests of voicemails."""

from __future__ import annotations

from switchboard import workers
from switchboard.voicemails import summarizing
from switchboard.voicemails.jobs import SummarizeVoicemail

handler = workers.job_handler({SummarizeVoicemail: summarizing.summarize_voicemail})
