"""Requests for triggers. Other systems fire them without a session: the token is in the path."""

from __future__ import annotations

from typing import Any

from tests.contract.console import Console
from tests.contract.world import Ask

PATH = "/api/triggers"


def make_trigger(org: Console, **given: Any) -> dict[str, Any]:
    """Creates a trigger. The answer has its token."""
    answer = org.admin.post(PATH, {"name": "Leads", "event_type": "Lead created"} | given)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _path(org: Console, below: str = "") -> str:
    return f"{PATH}/{make_trigger(org)['id']}{below}"


def _fired(org: Console) -> str:
    """The path of a fired event."""
    made = make_trigger(org)
    fired = org.admin.post(f"{PATH}/inbound/{made['token']}", {"phone": "+14155550142"})
    assert fired.status_code == 202, fired.text
    path = f"{PATH}/{made['id']}/firings"
    return f"{path}/{org.admin.get(path).json()['firings'][0]['id']}"


GOOD = {
    "listInboundTriggers": lambda _: Ask("GET", PATH),
    "createInboundTrigger": lambda _: Ask("POST", PATH, {"name": "Leads", "event_type": "Lead created"}),
    "updateInboundTrigger": lambda org: Ask("PATCH", _path(org), {"active": False}),
    "deleteInboundTrigger": lambda org: Ask("DELETE", _path(org)),
    "rotateInboundTriggerToken": lambda org: Ask("POST", _path(org, "/rotate")),
    "listTriggerFirings": lambda org: Ask("GET", _path(org, "/firings")),
    "getTriggerFiring": lambda org: Ask("GET", _fired(org)),
}

PUBLIC = {
    "fireInboundTrigger": lambda org: Ask("POST", f"{PATH}/inbound/{make_trigger(org)['token']}", {"number": 42}),
}
