"""Requests for widget tokens, and those of the pages that show a widget."""

from __future__ import annotations

from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.widgets import leads, service
from switchboard.widgets.models import LeadField, WidgetSettings, WidgetToken
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


def _lead_path(org: Console) -> str:
    token = make_token(org)
    fields = [LeadField(name="name", label="Your name")]
    service.update_token(system(org.org_id), token.id, {"lead_fields": fields})
    headers = {"Authorization": f"Bearer {token.public_key}", "Origin": PAGE}
    started = org.http.post("/api/widget/sessions", json={"lead": {"name": "Ada"}}, headers=headers)
    assert started.status_code == 200, started.text
    ((lead,), _) = leads.list_leads(org.org_id, token.id, 1)
    return f"/api/widget-tokens/{token.id}/leads/{lead.id}"


def _page(org: Console) -> dict[str, str]:
    return {"Authorization": f"Bearer {make_token(org).public_key}", "Origin": PAGE}


def _session(org: Console, method: str, below: str = "") -> Ask:
    started = org.http.post("/api/widget/sessions", json={}, headers=_page(org))
    assert started.status_code == 200, started.text
    headers = {"Authorization": f"Bearer {started.json()['session_token']}", "Origin": PAGE}
    return Ask(method, f"/api/widget/sessions/{started.json()['session_id']}{below}", headers=headers)


GOOD = {
    "listWidgetTokens": lambda _: Ask("GET", "/api/widget-tokens"),
    "createWidgetToken": lambda _: Ask("POST", "/api/widget-tokens", {"name": "Shop", "allowed_origins": [PAGE]}),
    "updateWidgetToken": lambda org: Ask("PATCH", _path(org), {"name": "Store", "max_session_seconds": 60}),
    "revokeWidgetToken": lambda org: Ask("POST", _path(org, "/revoke")),
    "listWidgetTokenLeads": lambda org: Ask("GET", _path(org, "/leads")),
    "deleteWidgetTokenLead": lambda org: Ask("DELETE", _lead_path(org)),
    "getWidgetTokenUsage": lambda org: Ask("GET", _path(org, "/usage")),
}

PUBLIC = {
    "getWidgetConfig": lambda org: Ask("GET", "/api/widget/config", headers=_page(org)),
    "startWidgetSession": lambda org: Ask("POST", "/api/widget/sessions", {}, headers=_page(org)),
    "getWidgetSession": lambda org: _session(org, "GET"),
    "endWidgetSession": lambda org: _session(org, "POST", "/end"),
}
