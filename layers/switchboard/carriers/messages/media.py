"""Fetches the files of texts that came in, through the guarded client.

The address comes from a callback. So the carrier's credentials go to the carrier's own host only, and no address inside
our network is fetched.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from time import monotonic
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError
from switchboard.carriers.voice.twilio import accounts
from switchboard.kit import settings
from switchboard.outbound.client import ForbiddenTargetError, GuardedClient, NoResponseError, Response

#: The largest file: carriers send at most 5 MB.
MAX_FILE_BYTES = 5 * 1024 * 1024
#: The time for one file with its redirects, in seconds.
SECONDS = 15.0
_REDIRECTS = (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND, HTTPStatus.SEE_OTHER, HTTPStatus.TEMPORARY_REDIRECT)
_MAX_REDIRECTS = 3
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.FORBIDDEN)
_FAMILIES = ("image/", "audio/", "video/")
_TYPES = frozenset({"application/pdf", "text/vcard", "text/x-vcard", "text/directory"})


class MalformedAddressError(ValueError):
    """The address of a file cannot be read."""


class FetchedFile(NamedTuple):
    """A file and its media type."""

    content: bytes
    media_type: str


def fetch_file(url: str, told_type: str | None = None) -> FetchedFile:
    """Returns a file of a text. `told_type` is the media type in the callback, if the response has none.

    Raises RefusedError for a file that is gone, too large, or of a type that is not stored, and OutcomeUnknownError if
    a later attempt may succeed.
    """
    try:
        answer = asyncio.run(_get(url))
    except MalformedAddressError as error:
        raise RefusedError("the address is malformed") from error
    except ForbiddenTargetError as error:
        raise RefusedError(f"the address is not allowed: {error}") from error
    except NoResponseError as error:
        raise OutcomeUnknownError(str(error)) from error
    if answer.status in _GONE:
        raise RefusedError(f"the file is gone: status {answer.status}")
    if answer.status != HTTPStatus.OK:
        raise OutcomeUnknownError(f"status {answer.status}")
    if len(answer.body) > MAX_FILE_BYTES:
        raise RefusedError(f"the file has more than {MAX_FILE_BYTES:,} bytes")
    media_type = (answer.headers.get("content-type") or told_type or "").partition(";")[0].strip().lower()
    if not is_stored_type(media_type):
        raise RefusedError(f"files of the type {media_type[:60] or 'unknown'} are not stored")
    return FetchedFile(answer.body, media_type)


def is_stored_type(media_type: str) -> bool:
    """Whether files of a media type are stored: pictures, sounds, films, PDF and business cards."""
    return media_type in _TYPES or (media_type.startswith(_FAMILIES) and media_type.isascii() and len(media_type) < 100)


async def _get(url: str) -> Response:
    until = monotonic() + SECONDS
    async with GuardedClient(max_body=MAX_FILE_BYTES + 1) as web:
        for _ in range(_MAX_REDIRECTS + 1):
            answer = await web.get(url, _headers(url), max(1.0, until - monotonic()))
            if answer.status not in _REDIRECTS or not (place := answer.headers.get("location")):
                return answer
            # Twilio keeps the file elsewhere. That address has its own signature.
            url = _follow(url, place)
    raise OutcomeUnknownError("the address leads on and on")


def _follow(url: str, place: str) -> str:
    try:
        return urljoin(url, place)
    except ValueError as error:
        raise MalformedAddressError(place) from error


def _headers(url: str) -> dict[str, str]:
    """Returns the headers of a request. Only the carrier's own host gets its credentials."""
    try:
        asked = urlsplit(url)
    except ValueError as error:
        raise MalformedAddressError(url) from error
    api = urlsplit(accounts.api_url())
    same = (asked.scheme, asked.netloc) == (api.scheme, api.netloc)
    return accounts.main_account_headers() if same and settings.text("TWILIO_SECRET", "") else {}
