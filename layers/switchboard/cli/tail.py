"""`switchboard tail`: prints an organization's live stream line by line, and reconnects when the stream breaks."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import click

from switchboard.cli import api_client
from switchboard.cli.api_client import FIRST_PAUSE, LONGEST_PAUSE, Patience, ServerBusyError, Target, UnreachableError
from switchboard.cli.arguments import OneOf
from switchboard.cli.commands import Command, is_json, print_note
from switchboard.kit import clock

_PATH = "/v1/events/stream"
#: The server sends something every 15 seconds at least: after three times that, the connection is lost.
_SILENCE = 45.0

#: How the command waits. Tests replace it.
sleep: Callable[[float], None] = time.sleep


@click.command("tail", cls=Command, offline=True)
@click.option(
    "--channel",
    type=OneOf("a channel", ("email", "sms", "voice", "vault")),
    help="Only events of this channel.",
)
@click.option("--agent", metavar="ID", help="Only events of this agent.")
@click.option("--raw", is_flag=True, help="Print each event as a line of JSON.")
@click.option("--url", help="The URL of the API; by default that of the local stack.")
@click.option("--key", help="An API key; by default the demo organization's master key.")
def tail_command(channel: str | None, agent: str | None, url: str | None, key: str | None, *, raw: bool) -> None:
    """Print an organization's events as they happen."""
    show = _raw if raw or is_json() else _line
    for event in follow_stream(api_client.find_target(url, key), {"channel": channel, "agent_id": agent}):
        click.echo(show(event))


def follow_stream(target: Target, filters: dict[str, str | None]) -> Iterator[dict[str, Any]]:
    """Iterates over the events of a stream across disconnects, each event exactly once.

    Raises Unauthenticated, Forbidden or Invalid if a retry cannot help, and Unavailable after five failures in a row,
    or after three if nothing has ever answered.
    """
    seen, has_noted, is_told = "", False, False
    patience = Patience(target.url, sleep)
    while True:
        # A stream that ends normally tells the client when to reconnect.
        retry = FIRST_PAUSE
        try:
            for block in _once(target, filters, seen):
                if not is_told:
                    # No event is missed from here on. Earlier events are not shown.
                    print_note("watching …")
                    is_told = True
                patience.reset()
                seen, retry = block.id, block.retry or retry
                if block.data:
                    yield json.loads(block.data)
        except (UnreachableError, ServerBusyError) as broken:
            is_told = has_noted = False
            patience.wait_after(broken)
            continue
        # While all live streams are in use, one short response follows another: print the same message once.
        if not has_noted:
            has_noted = True
            print_note(f"the stream ended; again in {retry:.0f} s")
        sleep(retry)


class _Block(NamedTuple):
    """A block of a stream, up to an empty line. `id` is the position after it; `retry` is in seconds."""

    id: str
    data: str = ""
    retry: float | None = None


def _once(target: Target, filters: dict[str, str | None], seen: str) -> Iterator[_Block]:
    """The blocks of one connection."""
    connection = api_client.connect(target.url, _SILENCE)
    headers = {"Authorization": f"Bearer {target.key}", "Accept": "text/event-stream"}
    if seen:
        headers["Last-Event-ID"] = seen
    try:
        connection.request("GET", api_client.path_of(target.url, _PATH, filters), headers=headers)
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise api_client.refusal_of(response)
        yield _Block(seen)
        yield from _blocks(response, seen)
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(f"the connection broke ({error or type(error).__name__})") from error
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
            retry = min(int(value) / 1_000, LONGEST_PAUSE)


def _raw(event: dict[str, Any]) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def _line(event: dict[str, Any]) -> str:
    at = clock.parse(event["ts"]).astimezone()
    who = event.get("agentId") or "-"
    return f"[{at:%H:%M:%S}] {event['channel']} | {who} | {event['event']} {event.get('detail') or ''}".rstrip()
