"""`switchboard tail`: an organisation's live stream, printed line by line and taken up again when it breaks."""

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

from switchboard.aws import clock
from switchboard.cli.command import common, note
from switchboard.errors import DomainError, Forbidden, Invalid, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from switchboard.cli.command import Nouns

_PATH = "/v1/events/stream"
#: How often a broken stream is tried again, and the pause before: a second, twice as long each time. A stream that ends
#: says itself when to come again.
_ATTEMPTS, _FIRST_PAUSE, _LONGEST_PAUSE = 5, 1.0, 30.0
#: The server is silent for 15 seconds at most: after three times that it is gone.
_SILENCE = 45.0

#: How the command waits. Tests replace it.
sleep: Callable[[float], None] = time.sleep


class _BrokenError(Exception):
    """The stream ended, or could not be opened this time. `wait` is what the server asked for."""

    def __init__(self, message: str, wait: float = 0) -> None:
        super().__init__(message)
        self.wait = wait


def add_to(nouns: Nouns) -> None:
    """Add the command."""
    summary = "watch what happens, while it happens"
    parser = nouns.add_parser("tail", help=summary, description=summary, parents=[common()])
    parser.add_argument("--channel", choices=("email", "sms", "voice", "vault"), help="on this channel only")
    parser.add_argument("--agent", metavar="ID", help="of this agent only")
    parser.add_argument("--raw", action="store_true", help="print the events' JSON, one a line")
    parser.add_argument("--url", help="where the API is; by default where the local stack runs")
    parser.add_argument("--key", help="an API key; by default the demo organisation's master key")
    parser.set_defaults(run=_run, offline=lambda _: True, usage_error=parser.error)


def _run(args: argparse.Namespace) -> None:
    known = _demo(Path(getattr(args, "local", None) or ".local")) | os.environ
    url, key = args.url or known.get("SWITCHBOARD_URL"), args.key or known.get("ANIMA_MASTER_KEY")
    if not url or not key:
        raise Invalid("No local stack was found: --url and --key are needed.", code="usage")
    show = _raw if args.raw or getattr(args, "json", False) else _line
    for event in follow(url, key, {"channel": args.channel, "agent_id": args.agent}):
        print(show(event), flush=True)


def _demo(home: Path) -> dict[str, str]:
    try:
        lines = (home.expanduser() / "demo.env").read_text().splitlines()
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


def follow(url: str, key: str, filters: dict[str, str | None]) -> Iterator[dict[str, Any]]:
    """The events of a stream, across disconnects: none twice, none missing.

    Raises Unauthenticated, Forbidden, or Invalid for what another try would not change, and Unavailable after five
    tries in a row.
    """
    seen, failures, noted, is_told = "", 0, "", False
    while True:
        retry = _FIRST_PAUSE
        try:
            for block in _once(url, key, filters, seen):
                if not is_told:
                    # From here on nothing is missed: what happened before is not shown.
                    note("watching …")
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
        # Where all live streams are taken, one short answer follows another.
        if failures or message != noted:
            note(f"{message}; again in {pause:.0f} s")
        noted = message
        sleep(pause)


class _Block(NamedTuple):
    """What a connection says up to an empty line. `id` is the place after it; `retry` is in seconds."""

    id: str
    data: str = ""
    retry: float | None = None


def _once(url: str, key: str, filters: dict[str, str | None], seen: str) -> Iterator[_Block]:
    """One connection's blocks."""
    place = urlsplit(url)
    if place.scheme not in ("http", "https") or not place.hostname:
        raise Invalid(f"{url} is no address of an API.", code="usage")
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
    """Blocks as the standard has them: an id counts once its block is complete."""
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
