"""Requests for widget tokens."""

from __future__ import annotations

from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.widgets import service
from switchboard.widgets.models import WidgetSettings, WidgetToken
from tests.actors import system
from tests.contract.console import Console
from tests.contract.world import Ask

PAGE = "https://shop.example"


def make_token(org: Console) -> WidgetToken:
    """A token whose page may start sessions."""
    flow = flows.create_flow(system(org.org_id), FlowSettings(name="Desk", kind="inbound", greeting="Welcome."))
    wanted = WidgetSettings(
        name="Shop",
        default_flow_id=flow.id,
        allowed_origins=[PAGE],
        captcha_provider="none",
        per_ip_rate_per_min=60,
        lead_fields=[],
    )
    return service.create_token(system(org.org_id), wanted)


def _path(org: Console, below: str = "") -> str:
    return f"/api/widget-tokens/{make_token(org).id}{below}"


GOOD = {
    "listWidgetTokens": lambda _: Ask("GET", "/api/widget-tokens"),
    "createWidgetToken": lambda _: Ask("POST", "/api/widget-tokens", {"name": "Shop", "allowed_origins": [PAGE]}),
    "updateWidgetToken": lambda org: Ask("PATCH", _path(org), {"name": "Store", "max_session_seconds": 60}),
    "revokeWidgetToken": lambda org: Ask("POST", _path(org, "/revoke")),
    "listWidgetTokenLeads": lambda org: Ask("GET", _path(org, "/leads")),
    "getWidgetTokenUsage": lambda org: Ask("GET", _path(org, "/usage")),
}
