"""`switchboard listen`: prints an organization's webhooks as they happen, and forwards them to a URL of this machine.

The bodies come from `GET /v1/webhooks/feed`, which makes them as the delivery worker does. This program signs and
sends them, with the same headers as a real delivery. A live stream has no bodies and takes one of few places, and a
temporary endpoint would need an address that the platform can reach.
"""

from __future__ import annotations

import base64
import hmac
import http.client
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import click

from switchboard.cli import api_client
from switchboard.cli.api_client import Patience, ServerBusyError, Target, UnreachableError
from switchboard.cli.arguments import OneOf
from switchboard.cli.commands import Command, is_json, print_note
from switchboard.kit import clock
from switchboard.webhooks import event_names, signing
from switchboard.webhooks.models import KindName

_PATH = "/v1/webhooks/feed"
#: The pause between two reads, in seconds. Two reads of a second would use up the limit of the free plan.
_PAUSE = 1.5
#: The time limit of a receiver, as for a real delivery.
_RECEIVER_SECONDS = 15
_APIS: tuple[KindName, ...] = ("anima", "hum", "athos")

#: How the command waits. Tests replace it.
sleep: Callable[[float], None] = time.sleep


@click.command("listen", cls=Command, offline=True)
@click.option("--forward-to", metavar="URL", help="Send each webhook to this URL, for example localhost:3000/hooks.")
@click.option("--events", metavar="LIST", default="*", help="Names and prefix.*, with commas; all by default.")
@click.option("--api", type=OneOf("an API with webhooks", _APIS), default="anima", help="anima by default.")
@click.option("--print-secret", is_flag=True, help="Print the signing secret and exit, for scripts.")
@click.option("--url", help="The URL of the API; by default that of the local stack.")
@click.option("--key", help="A master key; by default that of the demo organization.")
def listen_command(
    forward_to: str | None,
    events: str,
    api: KindName,
    url: str | None,
    key: str | None,
    *,
    print_secret: bool,
) -> None:
    """Print an organization's webhooks as they happen, and forward them to a URL.

    Each delivery has the body, the headers and both signatures of a real one. The signing secret is printed at the
    start. It belongs to the key and stays the same; it is not the secret of any registered webhook.
    """
    filters = _checked_filters(events, api)
    receiver = _checked_receiver(forward_to) if forward_to else None
    target = api_client.find_target(url, key)
    secret = secret_of_key(target.key)
    if print_secret:
        click.echo(secret)
        return
    for item in follow_feed(target, api, f"Ready. The signing secret is {secret} (Ctrl-C stops)"):
        if event_names.matches_event(filters, item["event"], item["event"]):
            _show_event(item)
            if receiver:
                _show_response(receiver, _forward(receiver, api, item, secret), item)


def secret_of_key(key: str) -> str:
    """Returns the signing secret of a listener. It is the same for the same key, and tells nothing about the key."""
    digest = hmac.digest(key.encode(), b"switchboard listen", "sha256")
    return f"whsec_{base64.b64encode(digest).decode()}"


def _checked_filters(text: str, api: KindName) -> list[str]:
    filters = [one.strip() for one in text.split(",") if one.strip()]
    for one in filters:
        if not event_names.is_known_filter(one, api):
            near = event_names.suggest_filter(one, api)
            told = f"did you mean {near}?" if near else f"choose {', '.join(event_names.event_types(api))}"
            raise click.UsageError(f"{one} is not an event of {api}: {told}")
    return filters or ["*"]


def _checked_receiver(text: str) -> str:
    url = text if "://" in text else f"http://{text}"
    api_client.connect(url, _RECEIVER_SECONDS).close()
    return url


def follow_feed(target: Target, api: KindName, greeting: str) -> Iterator[dict[str, Any]]:
    """Iterates over the webhooks from now on, each once, also across restarts of the server.

    Raises Unavailable when the server does not come back, and the errors of a refusal that no retry can change.
    """
    after: int | None = None
    patience = Patience(target.url, sleep)
    while True:
        try:
            answer = api_client.call_api(target, "GET", _PATH, query={"api": api, "after": after})
        except (UnreachableError, ServerBusyError) as error:
            patience.wait_after(error)
            continue
        patience.reset()
        if after is None:
            print_note(greeting)
        after = answer["nextAfter"]
        yield from answer["items"]
        if not answer["items"]:
            sleep(_PAUSE)


class _Response(NamedTuple):
    """The response of a receiver, or why there was none."""

    status: int | None
    milliseconds: int
    error: str | None = None


def _forward(url: str, api: KindName, item: dict[str, Any], secret: str) -> _Response:
    message = signing.SignedMessage(item["id"], item["event"], clock.now(), item["body"])
    headers = signing.delivery_headers(item["sequence"]) | signing.sign_message(api, message, [secret])
    connection = api_client.connect(url, _RECEIVER_SECONDS)
    started = time.monotonic()
    status, error = None, None
    try:
        connection.request("POST", _path_of(url), body=item["body"].encode(), headers=headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as broken:
        error = getattr(broken, "strerror", None) or str(broken) or type(broken).__name__
    finally:
        connection.close()
    return _Response(status, round((time.monotonic() - started) * 1000), error)


def _path_of(url: str) -> str:
    place = urlsplit(url)
    return (place.path or "/") + (f"?{place.query}" if place.query else "")


def _show_event(item: dict[str, Any]) -> None:
    if is_json():
        click.echo(json.dumps({**item, "body": json.loads(item["body"])}, ensure_ascii=False))
        return
    click.echo(f"{_time()} --> {click.style(item['event'], bold=True)} {item['id']} {item['body']}")


def _show_response(url: str, response: _Response, item: dict[str, Any]) -> None:
    if is_json():
        click.echo(json.dumps({"id": item["id"], "url": url, **response._asdict()}, ensure_ascii=False))
        return
    has_succeeded = response.status is not None and http.client.OK <= response.status < http.client.MULTIPLE_CHOICES
    shown = click.style(str(response.status or response.error), fg="green" if has_succeeded else "red")
    click.echo(f"{_time()} <-- [{shown}] POST {url} {item['id']} {response.milliseconds} ms")


def _time() -> str:
    return f"{clock.now().astimezone():%H:%M:%S}"
