"""The sample events in `events/`: what stands in them as `{{name}}` is filled in from a demo organisation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from switchboard.access import service as access
from switchboard.accounts.models import Caller, KeyKind
from switchboard.aws import ids
from switchboard.email import delivery
from switchboard.email import service as email
from switchboard.email.models import Draft, Message

_PLACE = re.compile(r"\{\{(\w+)\}\}")


def fill(text: str, demo: dict[str, str]) -> dict[str, Any]:
    """The event of a sample's text, with the demo's keys and ids (infra.local.demo), and mails of its agent."""
    makers: dict[str, Callable[[], str]] = {
        "agent_key": lambda: demo["ANIMA_AGENT_KEY"],
        "agent_id": lambda: demo["ANIMA_AGENT_ID"],
        "organization_id": lambda: demo["ORGANIZATION_ID"],
        "queued_message": lambda: _queued(demo).id,
        "sent_message": lambda: _sent(demo).id,
    }
    made = {name: makers[name]() for name in set(_PLACE.findall(text))}
    event: dict[str, Any] = json.loads(_PLACE.sub(lambda found: made[found[1]], text))
    return event


def _queued(demo: dict[str, str]) -> Message:
    return email.send(_agent(demo), Draft(to=["you@example.com"], subject="Hello", body="From an agent."))


def _sent(demo: dict[str, str]) -> Message:
    message = _queued(demo)
    delivery.deliver(message.org_id, message.id)
    return message


def _agent(demo: dict[str, str]) -> Caller:
    snapshot = access.authenticate(demo["ANIMA_AGENT_KEY"], frozenset({KeyKind.AGENT}))
    return access.caller(snapshot, ids.new("corr"))
