"""Links to the audio of voicemails."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from switchboard.aws import objects
from switchboard.calls.recordings import BUCKET
from switchboard.carriers import audio_types
from switchboard.kit import clock
from switchboard.voicemails.models import Voicemail

#: How long a link is valid: as long as a link to the recording of a call.
LINK_LIFETIME = timedelta(hours=1)


class AudioLink(NamedTuple):
    """A signed link, and the time at which it expires."""

    url: str
    expires_at: str


def audio_link(voicemail: Voicemail) -> AudioLink:
    """Returns a signed link to the audio of a voicemail. Anybody who has the link can use it."""
    name = f"{voicemail.id}.{audio_types.extension_of(voicemail.media_type)}"
    seconds = int(LINK_LIFETIME.total_seconds())
    expires_at = objects.find_link_expiry(LINK_LIFETIME)
    url = objects.sign_download_link(BUCKET, voicemail.audio_key, name, voicemail.media_type, seconds)
    return AudioLink(url, clock.format_iso(expires_at))
