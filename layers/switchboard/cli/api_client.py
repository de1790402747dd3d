"""Requests of the command line to the HTTP API: the address and the key, connections, and refusals."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import click

from switchboard.cli import deployments
from switchboard.cli.commands import options_of, print_note
from switchboard.errors import DomainError, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable

#: The longest wait in seconds that a server may ask for.
LONGEST_PAUSE = 30.0
#: The first pause in seconds after a failure. Each next pause is twice as long.
FIRST_PAUSE = 1.0
#: How often a failed request is retried, and how often if the address has never answered.
_ATTEMPTS, _FIRST_ATTEMPTS = 5, 2
_REFUSALS: dict[int, type[DomainError]] = {
    http.client.UNAUTHORIZED: Unauthenticated,
    http.client.FORBIDDEN: Forbidden,
    http.client.NOT_FOUND: NotFound,
}


class Target(NamedTuple):
    """The base URL of an API, and a key of Anima."""

    url: str
    key: str


def find_target(url: str | None, key: str | None) -> Target:
    """Returns the given URL and key. Those of the local stack's demo organization replace missing ones.

    Raises Invalid if there is no stack.
    """
    known = deployments.read_demo(options_of(click.get_current_context()).local) | os.environ
    url, key = url or known.get("SWITCHBOARD_URL"), key or known.get("ANIMA_MASTER_KEY")
    if not url or not key:
        raise Invalid("No local stack was found: start one with `make run`, or give --url and --key.", code="usage")
    return Target(url, key)


class UnreachableError(Exception):
    """Nothing answers at the address, or the connection broke."""


class ServerBusyError(Exception):
    """The server is busy or has a fault. `wait` is the pause, in seconds, that it asked for."""

    def __init__(self, message: str, wait: float = 0) -> None:
        super().__init__(message)
        self.wait = wait


class Patience:
    """Waits longer after each failure in a row, and gives up in the end."""

    def __init__(self, url: str, sleep: Callable[[float], None]) -> None:
        self._url = url
        self._sleep = sleep
        self._failures = 0
        self._has_answered = False

    def reset(self) -> None:
        """Notes that the server has answered."""
        self._failures, self._has_answered = 0, True

    def wait_after(self, error: UnreachableError | ServerBusyError) -> None:
        """Says why the next attempt has to wait, and waits.

        Raises Unavailable after five failures in a row, or after three if nothing has ever answered: then the address
        is likely wrong, or its stack does not run.
        """
        self._failures += 1
        if isinstance(error, UnreachableError) and not self._has_answered and self._failures > _FIRST_ATTEMPTS:
            text = f"Nothing answers at {self._url}: start the stack with `make run`, or give another --url."
            raise Unavailable(text, code="unreachable") from None
        if self._failures > _ATTEMPTS:
            raise Unavailable(f"Gave up after {_ATTEMPTS} attempts: {error}.") from None
        wait = error.wait if isinstance(error, ServerBusyError) else 0.0
        pause = max(min(FIRST_PAUSE * 2 ** (self._failures - 1), LONGEST_PAUSE), wait)
        print_note(f"{error}; again in {pause:.0f} s")
        self._sleep(pause)


def connect(url: str, seconds: float) -> http.client.HTTPConnection:
    """Returns a connection to the host of a URL. Raises Invalid for anything but http and https."""
    place = urlsplit(url)
    if place.scheme not in ("http", "https") or not place.hostname:
        raise Invalid(f"{url} is not a URL: give one like https://api.example.com.", code="usage")
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    return kind(place.hostname, place.port, timeout=seconds)


def path_of(url: str, path: str, query: dict[str, Any] | None = None) -> str:
    """Returns the path of a request below a base URL, with the given values of the query."""
    given = {name: value for name, value in (query or {}).items() if value is not None}
    return f"{urlsplit(url).path.rstrip('/')}{path}" + (f"?{urlencode(given)}" if given else "")


def call_api(
    target: Target, method: str, path: str, *, query: dict[str, Any] | None = None, body: dict[str, Any] | None = None
) -> Any:
    """Sends one request and returns the JSON of its response.

    Raises UnreachableError, ServerBusyError for a status that may pass, and the DomainError of any other refusal.
    """
    connection = connect(target.url, LONGEST_PAUSE)
    headers = {"Authorization": f"Bearer {target.key}", "Accept": "application/json"}
    content = None
    if body is not None:
        headers["Content-Type"], content = "application/json", json.dumps(body).encode()
    try:
        connection.request(method, path_of(target.url, path, query), body=content, headers=headers)
        response = connection.getresponse()
        if response.status >= http.client.BAD_REQUEST:
            raise refusal_of(response)
        return json.loads(response.read())
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(f"the connection broke ({error or type(error).__name__})") from error
    finally:
        connection.close()


def refusal_of(response: http.client.HTTPResponse) -> Exception:
    """Returns the error that a response means."""
    status, said = response.status, response.read().decode("utf-8", "replace")
    try:
        message = str(json.loads(said)["detail"])
    except (ValueError, KeyError, TypeError):
        message = f"The server answered {status} {response.reason}."
    if status == http.client.TOO_MANY_REQUESTS or status >= http.client.INTERNAL_SERVER_ERROR:
        after = response.headers.get("Retry-After", "")
        wait = min(float(after), LONGEST_PAUSE) if after.isascii() and after.isdigit() else 0
        return ServerBusyError(message.rstrip("."), wait)
    return _REFUSALS.get(status, Invalid)(message)
