"""Requests for scheduled texts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from switchboard.kit import clock
from tests.contract.asks import conversations
from tests.contract.console import Console
from tests.contract.world import Ask

PATH = "/api/sms/scheduled"


def _scheduled(org: Console) -> str:
    talk: dict[str, Any] = org.admin.post(conversations.PATH, conversations.new_order(org)).json()
    at = clock.format_iso(clock.now() + timedelta(days=1))
    path = f"{conversations.PATH}/{talk['id']}/messages"
    made: dict[str, Any] = org.admin.post(path, {"body": "See you tomorrow.", "scheduled_at": at}).json()
    return f"{PATH}/{made['scheduled_message']['id']}"


GOOD = {
    "listSmsScheduled": lambda _: Ask("GET", PATH),
    "cancelSmsScheduled": lambda org: Ask("DELETE", _scheduled(org)),
}
