"""`switchboard webhook`: an organization's endpoints of every kind, and their deliveries."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from switchboard.accounts import organizations
from switchboard.cli.commands import (
    CommandGroup,
    enum_argument,
    operator_origin,
    positive_argument,
    print_note,
    print_rows,
    time_argument,
)
from switchboard.fanout import rendering
from switchboard.webhooks import service as webhooks
from switchboard.webhooks.deliveries import list_deliveries, redeliver_delivery, send_test_delivery, start_recovery
from switchboard.webhooks.models import Delivery, DeliveryStatus, EndpointSettings
from switchboard.webhooks.service import EndpointWithHealth, EndpointWithSecret

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns

#: The kinds with registered endpoints. An OptiComm call names its callback URL itself.
_KINDS = ("anima", "athos", "hum")
_PAGE = 100


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    noun = CommandGroup(nouns, "webhook", "webhooks and their deliveries")
    create = noun.add_command("create", _create, "register a webhook; prints its secret, once")
    create.add_argument("org", metavar="ORG")
    create.add_argument("--kind", choices=_KINDS, required=True)
    create.add_argument("--url", required=True)
    create.add_argument("--event", action="append", metavar="NAME", help="an event, prefix.* or *; all by default")
    create.add_argument(
        "--header", action="append", type=_header, metavar="NAME:VALUE", help="a header of each delivery; repeatable"
    )
    create.add_argument("--timeout", type=positive_argument, metavar="MS", help="the time limit for a response")
    noun.add_command("list", _list, "list an organization's webhooks, newest first").add_argument("org", metavar="ORG")
    for name, run, told in (
        ("show", _show, "show a webhook"),
        ("rotate", _rotate, "replace a webhook's secret; prints the new one, once; both secrets sign for 24 hours"),
        ("disable", _disable, "stop all deliveries to a webhook"),
        ("enable", _enable, "activate a webhook again, and reset its failures"),
        ("delete", _delete, "delete a webhook"),
        ("test", _test, "send a test delivery"),
    ):
        verb = noun.add_command(name, run, told)
        verb.add_argument("org", metavar="ORG")
        verb.add_argument("webhook", metavar="WEBHOOK")
    deliveries = noun.add_command("deliveries", _deliveries, "list a webhook's deliveries, newest first")
    deliveries.add_argument("org", metavar="ORG")
    deliveries.add_argument("webhook", metavar="WEBHOOK")
    deliveries.add_argument("--status", type=enum_argument(DeliveryStatus), choices=list(DeliveryStatus))
    deliveries.add_argument(
        "--limit", type=positive_argument, default=20, metavar="N", help="show at most this many; 20 by default"
    )
    again = noun.add_command("redeliver", _redeliver, "send a delivery again")
    again.add_argument("org", metavar="ORG")
    again.add_argument("delivery", metavar="DELIVERY")
    recover = noun.add_command("recover", _recover, "send the failed deliveries since a given time again")
    recover.add_argument("org", metavar="ORG")
    recover.add_argument("webhook", metavar="WEBHOOK")
    recover.add_argument("--since", type=time_argument, required=True, metavar="ISO")


def _create(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    settings = EndpointSettings(
        url=args.url,
        events=args.event or ["*"],
        custom_headers=dict(args.header or []),
        timeout_ms=args.timeout,
    )
    _once(args, webhooks.create_endpoint(operator_origin(org.id), args.kind, settings))


def _once(args: argparse.Namespace, made: EndpointWithSecret) -> None:
    seen = webhooks.get_endpoint(made.endpoint.org_id, made.endpoint.id)
    print_rows(args, {**_row(seen), "secret": made.secret})
    print_note("The secret is shown only once: keep it now.")


def _list(args: argparse.Namespace) -> None:
    found, after = webhooks.list_endpoints(organizations.get_organization(args.org).id, None, _PAGE, None)
    while after:
        more, after = webhooks.list_endpoints(args.org, None, _PAGE, after)
        found += more
    print_rows(args, [_row(seen) for seen in found])


def _show(args: argparse.Namespace) -> None:
    print_rows(args, _row(webhooks.get_endpoint(args.org, args.webhook)))


def _rotate(args: argparse.Namespace) -> None:
    _once(args, webhooks.rotate_endpoint_secret(operator_origin(args.org), args.webhook))


def _disable(args: argparse.Namespace) -> None:
    print_rows(args, _row(webhooks.update_endpoint(operator_origin(args.org), args.webhook, {"active": False})))


def _enable(args: argparse.Namespace) -> None:
    print_rows(args, _row(webhooks.update_endpoint(operator_origin(args.org), args.webhook, {"active": True})))


def _delete(args: argparse.Namespace) -> None:
    webhooks.delete_endpoint(operator_origin(args.org), args.webhook)
    print_rows(args, {"webhook": args.webhook, "deleted": True})


def _test(args: argparse.Namespace) -> None:
    render = rendering.TEST_RENDERERS.get(webhooks.get_endpoint(args.org, args.webhook).endpoint.kind)
    print_rows(args, _delivery(send_test_delivery(operator_origin(args.org), args.webhook, render=render)))


def _deliveries(args: argparse.Namespace) -> None:
    found, _ = list_deliveries(args.org, args.webhook, args.status, args.limit, None)
    print_rows(args, [_delivery(one) for one in found])


def _redeliver(args: argparse.Namespace) -> None:
    print_rows(args, _delivery(redeliver_delivery(operator_origin(args.org), args.delivery)))


def _recover(args: argparse.Namespace) -> None:
    start_recovery(operator_origin(args.org), args.webhook, args.since)
    print_rows(args, {"webhook": args.webhook, "recovering_since": args.since})


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


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME:VALUE")
    return name.strip(), value.strip()
