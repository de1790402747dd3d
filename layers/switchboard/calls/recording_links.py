"""Links to recordings of calls."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from switchboard.aws import objects
from switchboard.calls.models import Call
from switchboard.calls.recordings import BUCKET
from switchboard.carriers import audio_types
from switchboard.kit import clock

#: How long a link is valid: long enough to listen to the longest call, which lasts an hour.
LINK_LIFETIME = timedelta(hours=1)


class RecordingLink(NamedTuple):
    """A signed link, and the time at which it expires."""

    url: str
    expires_at: str


def recording_link(call: Call) -> RecordingLink | None:
    """Returns a signed link to the recording, `None` if we have no copy. Anybody who has the link can use it.

    A provider's own address is never returned: it needs the provider's credentials, or does not expire. The message of
    a caller belongs to the voicemail.
    """
    stored = next((one for one in call.recordings if one.key and one.media_type and not one.voicemail), None)
    if stored is None or stored.key is None or stored.media_type is None:
        return None
    name = f"{call.id}.{audio_types.extension_of(stored.media_type)}"
    # Asked before the link is signed: credentials that are renewed in between only make the link last longer.
    expires_at = objects.find_link_expiry(LINK_LIFETIME)
    url = objects.sign_download_link(BUCKET, stored.key, name, stored.media_type, int(LINK_LIFETIME.total_seconds()))
    return RecordingLink(url, clock.format_iso(expires_at))
