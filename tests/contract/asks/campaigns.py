"""Requests for campaigns."""

from __future__ import annotations

from typing import Any

from tests.contract.console import Console, next_number
from tests.contract.world import Ask
from tests.unit.calls.console_calls import save_number

_LINES = {"content-type": "application/x-ndjson"}


def _input(org: Console, **given: Any) -> dict[str, Any]:
    recipients = [{"contact_e164": next_number(), "variables": {"name": "Ada"}}]
    number = save_number(org.org_id, next_number())
    wanted = {"name": "Spring", "twilio_number_id": number.id, "body_template": "Hello {{name}}."}
    return wanted | {"recipients": recipients} | given


def make_campaign(org: Console, **given: Any) -> dict[str, Any]:
    """Creates a campaign with one recipient."""
    made: dict[str, Any] = org.admin.post("/api/sms/campaigns", _input(org, **given)).json()
    return made


def _path(org: Console, below: str = "") -> str:
    return f"/api/sms/campaigns/{make_campaign(org)['id']}{below}"


def _queued(org: Console, below: str) -> str:
    path = _path(org)
    org.admin.post(f"{path}/launch")
    return path + below


def _batch(org: Console) -> str:
    made = make_campaign(org)
    return f"/api/sms/campaigns/{made['id']}/batches/{made['batches'][0]['id']}"


GOOD = {
    "listSmsCampaigns": lambda _: Ask("GET", "/api/sms/campaigns"),
    "createSmsCampaign": lambda org: Ask("POST", "/api/sms/campaigns", _input(org)),
    "getSmsCampaign": lambda org: Ask("GET", _path(org)),
    "launchSmsCampaign": lambda org: Ask("POST", _path(org, "/launch")),
    "pauseSmsCampaign": lambda org: Ask("POST", _queued(org, "/pause")),
    "cancelSmsCampaign": lambda org: Ask("POST", _queued(org, "/cancel")),
    "addSmsCampaignRecipients": lambda org: Ask(
        "POST", _path(org, "/recipients"), content=b'{"contact_e164": "+14155550142"}', headers=_LINES
    ),
    "listSmsCampaignRecipients": lambda org: Ask("GET", _path(org, "/recipients")),
    "getSmsCampaignBatch": lambda org: Ask("GET", _batch(org)),
}
