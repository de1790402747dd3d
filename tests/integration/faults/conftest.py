"""Workers and requests under faults: shared helpers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.local.pool import Context
from switchboard.aws import queues, secret
from switchboard.aws.reads import Query
from switchboard.email import service, store
from switchboard.email.jobs import SendMail
from switchboard.email.models import MailDraft, Message
from switchboard.events import service as events
from switchboard.kit import clock, ids
from switchboard.timers import store as timer_store
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage, invoke


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    timer_store.advance_watermark(clock.now_iso()[:16])  # the deployment's first tick has passed
    secret.derive("warm")  # a process fetches the root secret once
    return tenant()


@pytest.fixture
def saboteur(acme: Tenant) -> Sabotage:
    return Sabotage()


def queue_mail(acme: Tenant) -> Message:
    """A mail with its job in the worker's queue."""
    message = service.send_message(
        acme.caller(correlation_id=ids.new_id("corr")), MailDraft(to=["you@example.com"], subject="s", body="b")
    )
    queues.send_messages([SendMail(org_id=message.org_id, message_id=message.id).to_message()])
    return message


def load_message(message: Message) -> Message:
    found = store.get_message(message.org_id, message.id)
    assert found is not None
    return found


def list_events(message: Message) -> list[events.Event]:
    """The events of the mail's workflow."""
    partition = events.workflow_partition(message.org_id, message.correlation_id)
    items = Query(table="activity", partition=partition).read_all()
    return [events.parse_event(item) for item in items if "outbox" in item]


Request = tuple[str, str, str, dict[str, Any]]


SEND: Request = ("anima/email", "POST", "/v1/email/send", {"to": "you@example.com", "subject": "s", "body": "b"})


KEY = "idempotency-key-of-22-characters-or-more"


def send_request(
    request: Request,
    credential: str | None,
    key: str | None = KEY,
    context: type[Context] = Context,
) -> dict[str, Any]:
    """Send a request to its function, as API Gateway would."""
    function, method, path, body = request
    headers = {"content-type": "application/json"}
    headers |= {"authorization": f"Bearer {credential}"} if credential else {}
    headers |= {"idempotency-key": key} if key else {}
    event = {
        "httpMethod": method,
        "path": path,
        "headers": headers,
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}},
        "body": json.dumps(body),
    }
    answer: dict[str, Any] = invoke(function, event, context)
    return answer


def parse_body(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer["body"])
    return found


def list_messages(acme: Tenant) -> list[Message]:
    return service.list_messages(acme.caller(master=True), None, {}, 100, None)[0]
