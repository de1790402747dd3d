"""The jobs of the worker of voicemails."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class CreateVoicemail(Job, queue="voicemails"):
    """Create the voicemail of a stored recording."""

    org_id: str
    call_id: str
    recording_id: str


class UseProviderText(Job, queue="voicemails"):
    """Give a voicemail the provider's text of its recording, if nothing else gave it a transcript."""

    org_id: str
    call_id: str
    recording_id: str


class TranscribeVoicemail(Job, queue="voicemails"):
    """Get the transcript of a new voicemail, and then delete what the recognizer keeps.

    `looks` counts the earlier runs, and `begun_at` is the time of the first one. The job names the audio, so that it
    also cleans up after a voicemail that was deleted meanwhile. `language` is the language in which the caller was
    asked for the message, if it is known.
    """

    org_id: str
    voicemail_id: str
    audio_key: str
    media_type: str
    looks: int = 0
    begun_at: str | None = None
    language: str | None = None


class SummarizeVoicemail(Job, queue="digests"):
    """Write the digest of a voicemail's transcript, also if it has one.

    `tries` counts the earlier runs, in which the model was busy, and `begun_at` is the time of the first one.
    """

    org_id: str
    voicemail_id: str
    tries: int = 0
    begun_at: str | None = None


class EraseVoicemail(Job, queue="voicemails"):
    """Delete the audio and the timeline of a deleted voicemail, and correct the counts of unread voicemails."""

    org_id: str
    voicemail_id: str
    created_at: str
    audio_key: str
