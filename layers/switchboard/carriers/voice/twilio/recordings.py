"""Fetches recordings from Twilio with the main account's token."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from urllib.parse import urlsplit

from switchboard.carriers import audio_types
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError
from switchboard.carriers.voice.ports.recordings import MAX_AUDIO_BYTES, Audio, RecordingPlace
from switchboard.carriers.voice.twilio import accounts, callbacks
from switchboard.carriers.voice.twilio.line import find_account
from switchboard.outbound.client import GuardedClient, NoResponseError, Response

_SECONDS = 40.0
_REDIRECTS = (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND, HTTPStatus.TEMPORARY_REDIRECT)


class TwilioRecordings:
    """Twilio's recordings. `limit` is the largest size in bytes."""

    def __init__(self, limit: int = MAX_AUDIO_BYTES) -> None:
        self._limit = limit

    def fetch(self, place: RecordingPlace) -> Audio:
        """Returns the audio of a recording as WAV."""
        account = find_account(place.org_id, place.own_number)
        if account is None:
            raise RefusedError("the organization has no account at Twilio")
        url = f"{callbacks.recording_url(account, place.recording_id)}.wav"
        try:
            answer = asyncio.run(self._get(url))
        except NoResponseError as error:
            raise OutcomeUnknownError(str(error)) from error
        return self._check(answer)

    async def _get(self, url: str) -> Response:
        async with GuardedClient(max_body=self._limit + 1) as web:
            answer = await web.get(url, accounts.main_account_headers(), _SECONDS)
            place = answer.headers.get("location", "")
            if answer.status in _REDIRECTS and urlsplit(place).scheme == "https":
                # Twilio keeps the audio elsewhere. That address has its own signature, so the token does not follow.
                answer = await web.get(place, {}, _SECONDS)
            return answer

    def _check(self, answer: Response) -> Audio:
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
