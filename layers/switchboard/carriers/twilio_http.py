"""The HTTP client of Twilio's SDK: one deadline for all requests of a call of the port, and no retries."""

from __future__ import annotations

import time
from math import inf
from typing import Any

import requests
from twilio.http import HttpClient
from twilio.http.response import Response

from switchboard.carriers.outcomes import OutcomeUnknownError, ThrottledError

#: The shortest time that a request gets. With less left, it is not sent.
_LEAST_SECONDS = 0.2


class DeadlineHttpClient(HttpClient):  # type: ignore[misc] # the SDK has no types
    """Sends the SDK's requests, all of them within `seconds`, and each one within `request_seconds`.

    `base_url` replaces the address of the API, for tests and for regions.
    """

    def __init__(self, seconds: float, base_url: str = "", request_seconds: float = inf) -> None:
        self._until = time.monotonic() + seconds
        self._request_seconds = request_seconds
        self._base_url = base_url.rstrip("/")
        self._session = requests.Session()
        # A proxy of the environment is not for the account's credentials.
        self._session.trust_env = False

    def request(
        self,
        method: str,
        url: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 the deadline decides
        allow_redirects: bool = False,  # noqa: ARG002 never
    ) -> Response:
        """Sends a request. Raises ThrottledError if it did not leave, and OutcomeUnknownError without a response."""
        left = min(self._until - time.monotonic(), self._request_seconds)
        if left < _LEAST_SECONDS:
            raise ThrottledError("no time is left for another request")
        if self._base_url:
            url = self._base_url + "/" + url.split("/", 3)[3]
        given: Any = {"params": params, "data": data, "headers": headers, "auth": auth}
        try:
            answer = self._session.request(method, url, timeout=left, allow_redirects=False, **given)
        except requests.ConnectTimeout as error:
            raise ThrottledError(type(error).__name__) from error
        except requests.RequestException as error:
            raise OutcomeUnknownError(type(error).__name__) from error
        return Response(answer.status_code, answer.text, dict(answer.headers))
