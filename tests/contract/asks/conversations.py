"""Requests for conversations of texts."""

from __future__ import annotations

from typing import Any

from tests.contract.console import Console, next_number
from tests.contract.world import Ask
from tests.unit.calls.console_calls import save_number

PATH = "/api/sms/conversations"


def new_order(org: Console) -> dict[str, Any]:
    number = save_number(org.org_id, next_number())
    return {"twilio_number_id": number.id, "contact_e164": "+14155550142"}


def _conversation(org: Console, below: str = "") -> str:
    made: dict[str, Any] = org.admin.post(PATH, new_order(org)).json()
    return f"{PATH}/{made['id']}{below}"


def _started(org: Console) -> Ask:
    return Ask("POST", PATH, new_order(org) | {"initial_message": {"body": "Hello Ada."}})


GOOD = {
    "listSmsConversations": lambda _: Ask("GET", PATH),
    "createSmsConversation": _started,
    "getSmsConversation": lambda org: Ask("GET", _conversation(org)),
    "patchSmsConversation": lambda org: Ask(
        "PATCH", _conversation(org), {"metadata": {"ticket": "T-1042"}, "ai_paused": True}
    ),
    "listSmsMessages": lambda org: Ask("GET", _conversation(org, "/messages")),
    "sendSmsMessage": lambda org: Ask("POST", _conversation(org, "/messages"), {"body": "Hello Ada."}),
    "markSmsConversationRead": lambda org: Ask("POST", _conversation(org, "/read")),
    "closeSmsConversation": lambda org: Ask("POST", _conversation(org, "/close")),
    "reopenSmsConversation": lambda org: Ask("POST", _conversation(org, "/reopen")),
    "listSmsConversationActivity": lambda org: Ask("GET", _conversation(org, "/activity")),
}
