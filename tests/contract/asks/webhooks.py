"""Requests for webhooks."""

from __future__ import annotations

import secrets
from typing import Any

from switchboard.aws.writes import write_item
from switchboard.kit import clock
from switchboard.webhooks import delivery_store
from switchboard.webhooks.models import DeliveryStatus
from tests.contract.console import Console
from tests.contract.world import Ask

PATH = "/api/webhooks"


def _make_url() -> str:
    # An organization has few webhooks at one host.
    return f"https://{secrets.token_hex(6)}.example.com/hum"


def make_webhook(org: Console, **given: Any) -> dict[str, Any]:
    """Creates a webhook."""
    answer = org.admin.post(PATH, {"url": _make_url()} | given)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _path(org: Console, below: str = "") -> str:
    return f"{PATH}/{make_webhook(org)['id']}{below}"


def _failed(org: Console) -> str:
    """The path that sends a failed delivery again."""
    made = make_webhook(org)
    sent = org.admin.post(f"{PATH}/{made['id']}/test").json()["delivery_id"]
    found = delivery_store.get_delivery(org.org_id, sent)
    assert found is not None
    over = found.with_status(DeliveryStatus.FAILED, completed_at=clock.now_iso(), next_attempt_at=None)
    write_item(delivery_store.save_delivery_writes(found, over))
    return f"{PATH}/{made['id']}/redeliver/{sent}"


GOOD = {
    "listWebhooks": lambda _: Ask("GET", PATH),
    "createWebhook": lambda _: Ask(
        "POST", PATH, {"url": _make_url(), "events": ["sms.*"], "template": '{"id": "{{data.id}}"}'}
    ),
    "listWebhookEventTypes": lambda _: Ask("GET", f"{PATH}/event-types", query={"q": "text"}),
    "previewWebhookTemplate": lambda _: Ask(
        "POST", f"{PATH}/preview", {"template": '{"id": "{{data.id}}"}', "event": "sms.received"}
    ),
    "getWebhook": lambda org: Ask("GET", _path(org)),
    "updateWebhook": lambda org: Ask("PATCH", _path(org), {"url": _make_url(), "label": "CRM"}),
    "deleteWebhook": lambda org: Ask("DELETE", _path(org)),
    "testWebhook": lambda org: Ask("POST", _path(org, "/test")),
    "rotateWebhookSecret": lambda org: Ask("POST", _path(org, "/rotate-secret")),
    "listWebhookDeliveries": lambda org: Ask(
        "GET", _path(org, "/deliveries"), query={"status": "failed", "event": "webhook.test"}
    ),
    "redeliverWebhook": lambda org: Ask("POST", _failed(org)),
}
