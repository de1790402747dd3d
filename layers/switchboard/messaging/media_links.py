"""Links to the files of texts."""

from __future__ import annotations

import mimetypes
from datetime import timedelta

from switchboard.aws import objects
from switchboard.messaging.models import TextMedia, TextMessage

#: The bucket of the files that came in.
BUCKET = "text-media"
#: How long a link is valid: as long as a link to the recording of a call.
LINK_LIFETIME = timedelta(hours=1)
_UNKNOWN_TYPE = "application/octet-stream"


def media_link(message: TextMessage, number: int) -> str | None:
    """Returns a link to a file of a text: the sender's own address, or a signed link to our copy.

    `None` for a file that is not stored. Anybody who has a signed link can use it.
    """
    media: TextMedia = message.media[number]
    if media.key is None:
        return media.url
    media_type = media.content_type or _UNKNOWN_TYPE
    name = f"{message.id}-{number + 1}{mimetypes.guess_extension(media_type) or ''}"
    return objects.sign_download_link(BUCKET, media.key, name, media_type, int(LINK_LIFETIME.total_seconds()))
