"""Fetches recordings from Twilio with the main account's token, and deletes them there."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from time import monotonic
from urllib.parse import urlsplit

from switchboard.carriers import audio_types
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError
from switchboard.carriers.voice.ports.recordings import MAX_AUDIO_BYTES, Audio, RecordingPlace
from switchboard.carriers.voice.twilio import accounts, callbacks
from switchboard.carriers.voice.twilio.line import find_account
from switchboard.outbound.client import GuardedClient, NoResponseError, Response

#: The time for all requests of one fetch, in seconds. The worker has 100.
_SECONDS = 80.0
_FORGET_SECONDS = 20.0
_REDIRECTS = (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND, HTTPStatus.TEMPORARY_REDIRECT)
#: The forms of a recording. Twilio mixes the channels of a recording that has two. As MP3, four hours are within the
#: limit.
_WAV, _MP3 = ".wav?RequestedChannels=1", ".mp3?RequestedChannels=1"
#: The answers after which Twilio has no copy.
_DELETED = (HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class TwilioRecordings:
    """Twilio's recordings. `limit` is the largest size in bytes."""

    def __init__(self, limit: int = MAX_AUDIO_BYTES) -> None:
        self._limit = limit

    def fetch(self, place: RecordingPlace) -> Audio:
        """Returns the audio of a recording as WAV, or as MP3 if the WAV file is above the limit."""
        url = _find_url(place)
        if url is None:
            raise RefusedError("the organization has no account at Twilio")
        try:
            return self._read_audio(asyncio.run(self._get_smallest(url)))
        except NoResponseError as error:
            raise OutcomeUnknownError(str(error)) from error

    def forget(self, place: RecordingPlace) -> None:
        """Deletes a recording from Twilio."""
        url = _find_url(place)
        if url is None:
            return
        try:
            status = asyncio.run(_delete(f"{url}.json"))
        except NoResponseError as error:
            raise OutcomeUnknownError(str(error)) from error
        if status not in _DELETED:
            raise OutcomeUnknownError(f"status {status}")

    async def _get_smallest(self, url: str) -> Response:
        """Returns the first form of a recording that is within the limit, or the last one."""
        until = monotonic() + _SECONDS
        answer = await self._get(url + _WAV, until)
        return answer if len(answer.body) <= self._limit else await self._get(url + _MP3, until)

    async def _get(self, url: str, until: float) -> Response:
        async with GuardedClient(max_body=self._limit + 1) as web:
            answer = await web.get(url, accounts.main_account_headers(), _left(until))
            place = answer.headers.get("location", "")
            if answer.status in _REDIRECTS and urlsplit(place).scheme == "https":
                # Twilio keeps the audio elsewhere. That address has its own signature, so the token does not follow.
                answer = await web.get(place, {}, _left(until))
            return answer

    def _read_audio(self, answer: Response) -> Audio:
        if answer.status in (HTTPStatus.GONE, HTTPStatus.FORBIDDEN):
            raise RefusedError(f"the recording is gone: status {answer.status}")
        if answer.status != HTTPStatus.OK:
            # A recording is sometimes reported a few seconds before it can be read: 404.
            raise OutcomeUnknownError(f"status {answer.status}")
        if len(answer.body) > self._limit:
            raise RefusedError(f"the recording has more than {self._limit:,} bytes")
        media_type = audio_types.media_type_of(answer.body)
        if media_type is None:
            raise RefusedError("the recording is not audio")
        return Audio(answer.body, media_type)


def _find_url(place: RecordingPlace) -> str | None:
    account = find_account(place.org_id, place.own_number)
    return callbacks.recording_url(account, place.recording_id) if account else None


def _left(until: float) -> float:
    return max(1.0, until - monotonic())


async def _delete(url: str) -> int:
    async with GuardedClient() as web:
        return (await web.delete(url, accounts.main_account_headers(), _FORGET_SECONDS)).status
