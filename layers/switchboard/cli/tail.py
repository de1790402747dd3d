"""`switchboard tail`: prints an organization's live stream line by line, and reconnects when the stream breaks."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from switchboard.cli.commands import common_options, print_note
from switchboard.errors import DomainError, Forbidden, Invalid, Unauthenticated, Unavailable
from switchboard.kit import clock

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns

_PATH = "/v1/events/stream"
#: How often a broken stream is retried, and the pauses in seconds: they start at one second and double each time. A
#: stream that ends normally tells the client when to reconnect.
_ATTEMPTS, _FIRST_PAUSE, _LONGEST_PAUSE = 5, 1.0, 30.0
#: The server sends something every 15 seconds at least: after three times that, the connection is lost.
_SILENCE = 45.0

#: How the command waits. Tests replace it.
sleep: Callable[[float], None] = time.sleep


class _BrokenError(Exception):
    """The stream broke or could not be opened. `wait` is the pause, in seconds, that the server asked for."""

    def __init__(self, message: str, wait: float = 0) -> None:
        super().__init__(message)
        self.wait = wait


def add_to(nouns: Nouns) -> None:
    """Adds the command."""
    summary = "print an organization's events as they happen"
    parser = nouns.add_parser("tail", help=summary, description=summary, parents=[common_options()])
    parser.add_argument("--channel", choices=("email", "sms", "voice", "vault"), help="only events of this channel")
    parser.add_argument("--agent", metavar="ID", help="only events of this agent")
    parser.add_argument("--raw", action="store_true", help="print each event as a line of JSON")
    parser.add_argument("--url", help="the URL of the API; by default that of the local stack")
    parser.add_argument("--key", help="an API key; by default the demo organization's master key")
    parser.set_defaults(run=_run, offline=lambda _: True, usage_error=parser.error)


def _run(args: argparse.Namespace) -> None:
    known = _demo(Path(getattr(args, "local", None) or ".local")) | os.environ
    url, key = args.url or known.get("SWITCHBOARD_URL"), args.key or known.get("ANIMA_MASTER_KEY")
    if not url or not key:
        raise Invalid("No local stack was found: give --url and --key.", code="usage")
    show = _raw if args.raw or getattr(args, "json", False) else _line
    for event in follow_stream(url, key, {"channel": args.channel, "agent_id": args.agent}):
        print(show(event), flush=True)


def _demo(home: Path) -> dict[str, str]:
    try:
        lines = (home.expanduser() / "demo.env").read_text().splitlines()
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


def follow_stream(url: str, key: str, filters: dict[str, str | None]) -> Iterator[dict[str, Any]]:
    """Iterates over the events of a stream across disconnects, each event exactly once.

    Raises Unauthenticated, Forbidden or Invalid if a retry cannot help, and Unavailable after five failures in a row.
    """
    seen, failures, noted, is_told = "", 0, "", False
    while True:
        retry = _FIRST_PAUSE
        try:
            for block in _once(url, key, filters, seen):
                if not is_told:
                    # No event is missed from here on. Earlier events are not shown.
                    print_note("watching …")
                    is_told = True
                seen, failures, retry = block.id, 0, block.retry or retry
                if block.data:
                    yield json.loads(block.data)
            message, pause = "the stream ended", retry
        except _BrokenError as broken:
            failures += 1
            is_told = False
            message = str(broken)
            if failures > _ATTEMPTS:
                raise Unavailable(f"Gave up after {_ATTEMPTS} attempts: {message}.") from None
            pause = max(min(_FIRST_PAUSE * 2 ** (failures - 1), _LONGEST_PAUSE), broken.wait)
        # While all live streams are in use, one short response follows another: print the same message once.
        if failures or message != noted:
            print_note(f"{message}; again in {pause:.0f} s")
        noted = message
        sleep(pause)


class _Block(NamedTuple):
    """A block of a stream, up to an empty line. `id` is the position after it; `retry` is in seconds."""

    id: str
    data: str = ""
    retry: float | None = None


def _once(url: str, key: str, filters: dict[str, str | None], seen: str) -> Iterator[_Block]:
    """The blocks of one connection."""
    place = urlsplit(url)
    if place.scheme not in ("http", "https") or not place.hostname:
        raise Invalid(f"{url} is not the URL of an API: give a URL like https://api.example.com.", code="usage")
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    connection = kind(place.hostname, place.port, timeout=_SILENCE)
    query = urlencode({name: value for name, value in filters.items() if value})
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    if seen:
        headers["Last-Event-ID"] = seen
    try:
        connection.request("GET", f"{place.path.rstrip('/')}{_PATH}" + (f"?{query}" if query else ""), headers=headers)
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise _refusal(response)
        yield _Block(seen)
        yield from _blocks(response, seen)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenError(f"the connection broke ({error or type(error).__name__})") from error
    finally:
        connection.close()


def _blocks(response: http.client.HTTPResponse, seen: str) -> Iterator[_Block]:
    """Parses blocks as in the standard of server-sent events: an id counts only after its block is complete."""
    id_, data, retry = seen, "", None
    while raw := response.readline():
        line = raw.decode().rstrip("\r\n")
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            yield _Block(id_, data, retry)
            data = ""
        elif name == "id":
            id_ = value.strip()
        elif name == "data":
            data += value
        elif name == "retry" and value.isdigit():
            retry = min(int(value) / 1_000, _LONGEST_PAUSE)


def _refusal(response: http.client.HTTPResponse) -> Exception:
    status, said = response.status, response.read().decode("utf-8", "replace")
    try:
        message = str(json.loads(said)["detail"])
    except (ValueError, KeyError, TypeError):
        message = f"The server answered {status} {response.reason}."
    if status == http.client.TOO_MANY_REQUESTS or status >= http.client.INTERNAL_SERVER_ERROR:
        after = response.headers.get("Retry-After", "")
        return _BrokenError(
            message.rstrip("."), min(float(after), _LONGEST_PAUSE) if after.isascii() and after.isdigit() else 0
        )
    kinds: dict[int, type[DomainError]] = {401: Unauthenticated, 403: Forbidden}
    return kinds.get(status, Invalid)(message)


def _raw(event: dict[str, Any]) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def _line(event: dict[str, Any]) -> str:
    at = clock.parse(event["ts"]).astimezone()
    who = event.get("agentId") or "-"
    return f"[{at:%H:%M:%S}] {event['channel']} | {who} | {event['event']} {event.get('detail') or ''}".rstrip()
