"""HTTP requests to an issuer: they return JSON of limited size, within a limited time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from time import monotonic
from typing import Any
from urllib.parse import urlencode

from switchboard.carriers.identity import ProviderUnconfiguredError, ProviderUnreachableError
from switchboard.errors import Invalid
from switchboard.outbound import client, destination

#: How long all requests of one call of the port may take together, in seconds.
TIMEOUT_SECONDS = 5.0
#: The largest response, in bytes.
MAX_RESPONSE_BYTES = 262_144


class IssuerClient:
    """Sends requests to an issuer. Create one for each call of the port: its time limit starts at its creation."""

    def __init__(self) -> None:
        self._until = monotonic() + TIMEOUT_SECONDS

    def get(self, url: str, authorization: str = "") -> dict[str, Any]:
        """Returns the JSON object at a URL.

        Raises ProviderUnreachableError, or ProviderUnconfiguredError if the URL is not allowed.
        """
        status, found = self._send(url, None, authorization)
        if status != 200:
            raise ProviderUnreachableError(f"{url} returns {status}")
        if found is None:
            raise ProviderUnreachableError(f"{url} does not return a JSON object")
        return found

    def post(self, url: str, form: Mapping[str, str], authorization: str = "") -> tuple[int, dict[str, Any] | None]:
        """Posts a form. Returns the status, and the JSON object or `None`. Raises the same errors as `get`."""
        return self._send(url, urlencode(form).encode(), authorization)

    def _send(self, url: str, body: bytes | None, authorization: str) -> tuple[int, dict[str, Any] | None]:
        headers = {"Accept": "application/json"} | ({"Authorization": authorization} if authorization else {})
        try:
            answer = asyncio.run(_exchange(url, headers, body, self._until - monotonic()))
        except client.ForbiddenTargetError as error:
            raise ProviderUnconfiguredError(f"{url}: {error.reason}") from error
        except client.NoResponseError as error:
            raise ProviderUnreachableError(f"{url}: {error.reason}") from error
        if len(answer.body) > MAX_RESPONSE_BYTES:
            raise ProviderUnreachableError(f"{url} returns more than {MAX_RESPONSE_BYTES:,} bytes")
        return answer.status, _object(answer.body)


async def _exchange(url: str, headers: dict[str, str], body: bytes | None, seconds: float) -> client.Response:
    async with client.GuardedClient(max_body=MAX_RESPONSE_BYTES + 1) as web:
        if body is None:
            return await web.get(url, headers, seconds)
        return await web.post(url, headers | {"Content-Type": "application/x-www-form-urlencoded"}, body, seconds)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def check_issuer_url(url: object) -> str:
    """Returns an issuer's URL in normal form: https, except for loopback URLs. Raises ProviderUnreachableError."""
    if not isinstance(url, str):
        raise ProviderUnreachableError("the issuer's discovery document lacks a URL")
    try:
        return destination.check_url(url)
    except Invalid as error:
        raise ProviderUnreachableError(f"the issuer names a URL that {error.details['fields']['url']}") from error
