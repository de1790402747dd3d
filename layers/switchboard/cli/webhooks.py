"""`switchboard webhook`: an organization's endpoints of every kind, and their deliveries."""

from __future__ import annotations

from typing import Any

import click

from switchboard.accounts.models import Organization
from switchboard.cli.arguments import POSITIVE, TIME, OneOf, Parsed
from switchboard.cli.commands import command_group, operator_origin, organization_argument, print_note, print_rows
from switchboard.fanout import rendering
from switchboard.webhooks import service as webhooks
from switchboard.webhooks.deliveries import list_deliveries, redeliver_delivery, send_test_delivery, start_recovery
from switchboard.webhooks.models import Delivery, DeliveryStatus, EndpointSettings, KindName
from switchboard.webhooks.service import EndpointWithHealth, EndpointWithSecret

#: The kinds with registered endpoints. An OptiComm call names its callback URL itself.
_KINDS: tuple[KindName, ...] = ("anima", "athos", "hum")
_PAGE = 100

webhook_command = command_group("webhook")
_webhook_argument = click.argument("webhook", metavar="WEBHOOK")


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise ValueError(f"{text!r} is not NAME:VALUE")
    return name.strip(), value.strip()


@webhook_command.command("create")
@organization_argument
@click.option("--kind", type=OneOf("a kind of webhook", _KINDS), required=True)
@click.option("--url", required=True, help="The address that receives the events.")
@click.option("--event", "events", multiple=True, metavar="NAME", help="An event, prefix.* or *; all by default.")
@click.option(
    "--header",
    "headers",
    multiple=True,
    type=Parsed("header", _header),
    metavar="NAME:VALUE",
    help="A header of each delivery; repeatable.",
)
@click.option("--timeout", type=POSITIVE, metavar="MS", help="The time limit for a response.")
def create_webhook(
    org: Organization,
    kind: KindName,
    url: str,
    events: tuple[str, ...],
    headers: tuple[tuple[str, str], ...],
    timeout: int | None,
) -> None:
    """Register a webhook; prints its secret, once."""
    settings = EndpointSettings(url=url, events=list(events) or ["*"], custom_headers=dict(headers), timeout_ms=timeout)
    _once(webhooks.create_endpoint(operator_origin(org.id), kind, settings))


def _once(made: EndpointWithSecret) -> None:
    seen = webhooks.get_endpoint(made.endpoint.org_id, made.endpoint.id)
    print_rows({**_row(seen), "secret": made.secret})
    print_note("The secret is shown only once: keep it now.")


@webhook_command.command("list")
@organization_argument
def list_webhooks(org: Organization) -> None:
    """List an organization's webhooks, newest first."""
    found, after = webhooks.list_endpoints(org.id, None, _PAGE, None)
    while after:
        more, after = webhooks.list_endpoints(org.id, None, _PAGE, after)
        found += more
    print_rows([_row(seen) for seen in found], "The organization has no webhooks: create one with `webhook create`.")


@webhook_command.command("show")
@organization_argument
@_webhook_argument
def show_webhook(org: Organization, webhook: str) -> None:
    """Show a webhook."""
    print_rows(_row(webhooks.get_endpoint(org.id, webhook)))


@webhook_command.command("rotate")
@organization_argument
@_webhook_argument
def rotate_secret(org: Organization, webhook: str) -> None:
    """Replace a webhook's secret; prints the new one, once. Both secrets sign for 24 hours."""
    _once(webhooks.rotate_endpoint_secret(operator_origin(org.id), webhook))


@webhook_command.command("disable")
@organization_argument
@_webhook_argument
def disable_webhook(org: Organization, webhook: str) -> None:
    """Stop all deliveries to a webhook."""
    print_rows(_row(webhooks.update_endpoint(operator_origin(org.id), webhook, {"active": False})))


@webhook_command.command("enable")
@organization_argument
@_webhook_argument
def enable_webhook(org: Organization, webhook: str) -> None:
    """Activate a webhook again, and reset its failures."""
    print_rows(_row(webhooks.update_endpoint(operator_origin(org.id), webhook, {"active": True})))


@webhook_command.command("delete")
@organization_argument
@_webhook_argument
def delete_webhook(org: Organization, webhook: str) -> None:
    """Delete a webhook."""
    webhooks.delete_endpoint(operator_origin(org.id), webhook)
    print_rows({"webhook": webhook, "deleted": True})


@webhook_command.command("test")
@organization_argument
@_webhook_argument
def send_test(org: Organization, webhook: str) -> None:
    """Send a test delivery."""
    render = rendering.TEST_RENDERERS.get(webhooks.get_endpoint(org.id, webhook).endpoint.kind)
    print_rows(_delivery(send_test_delivery(operator_origin(org.id), webhook, render=render)))


@webhook_command.command("deliveries")
@organization_argument
@_webhook_argument
@click.option("--status", type=OneOf("a status", DeliveryStatus), help="Only deliveries with this status.")
@click.option("--limit", type=POSITIVE, default=20, metavar="N", help="Show at most this many; 20 by default.")
def show_deliveries(org: Organization, webhook: str, status: DeliveryStatus | None, limit: int) -> None:
    """List a webhook's deliveries, newest first."""
    found, _ = list_deliveries(org.id, webhook, status, limit, None)
    print_rows([_delivery(one) for one in found], "The webhook has no such deliveries.")


@webhook_command.command("redeliver")
@organization_argument
@click.argument("delivery", metavar="DELIVERY")
def redeliver(org: Organization, delivery: str) -> None:
    """Send a delivery again."""
    print_rows(_delivery(redeliver_delivery(operator_origin(org.id), delivery)))


@webhook_command.command("recover")
@organization_argument
@_webhook_argument
@click.option("--since", type=TIME, required=True, metavar="ISO", help="A time with a time zone.")
def recover(org: Organization, webhook: str, since: str) -> None:
    """Send the failed deliveries since a given time again."""
    start_recovery(operator_origin(org.id), webhook, since)
    print_rows({"webhook": webhook, "recovering_since": since})


def _row(seen: EndpointWithHealth) -> dict[str, Any]:
    endpoint, health = seen
    return {
        "webhook": endpoint.id,
        "kind": endpoint.kind,
        "url": endpoint.url,
        "events": ",".join(endpoint.events),
        "active": endpoint.active,
        "disabled": endpoint.disabled_reason,
        "failures": health.failures,
        "created_at": endpoint.created_at,
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    last = delivery.last_attempt
    return {
        "delivery": delivery.id,
        "event": delivery.event,
        "status": delivery.status.value,
        "attempts": delivery.attempts,
        "answered": last.status if last else None,
        "ms": last.milliseconds if last else None,
        "error": delivery.error,
        "next_attempt_at": delivery.next_attempt_at,
        "created_at": delivery.created_at,
    }
