"""Links to recordings of calls."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from switchboard.aws import objects
from switchboard.calls.models import Call
from switchboard.kit import clock

#: The bucket of our own copies of recordings.
BUCKET = "recordings"
#: How long a link is valid: long enough to listen to the longest call, which lasts an hour.
LINK_LIFETIME = timedelta(hours=1)


class RecordingLink(NamedTuple):
    """A signed link, and the time at which it expires."""

    url: str
    expires_at: str


def recording_link(call: Call) -> RecordingLink | None:
    """Return a signed link to the recording, `None` if we have no copy. Anybody who has the link can use it.

    A provider's own address is never returned: it needs the provider's credentials, or does not expire.
    """
    if call.recording_key is None:
        return None
    suffix = call.recording_key.rpartition(".")[2].lower()
    kind, suffix = ("audio/wav", "wav") if suffix == "wav" else ("audio/mpeg", "mp3")
    seconds = int(LINK_LIFETIME.total_seconds())
    url = objects.sign_download_link(BUCKET, call.recording_key, f"{call.id}.{suffix}", kind, seconds)
    return RecordingLink(url, clock.format_iso(clock.now() + LINK_LIFETIME))
