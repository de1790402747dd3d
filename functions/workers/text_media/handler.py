"""Copies the files of texts that came in from the carrier into our bucket."""

from __future__ import annotations

from switchboard import workers
from switchboard.messaging import media
from switchboard.messaging.jobs import FetchTextMedia

handler = workers.job_handler({FetchTextMedia: media.fetch_text_media})
