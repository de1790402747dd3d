"""The webhook of a lead."""

from __future__ import annotations

from switchboard.dialects.hum import webhooks
from switchboard.fanout import rendering
from switchboard.widgets import leads
from switchboard.widgets.models import WidgetToken
from tests.actors import Tenant
from tests.unit.contacts.book import list_workflow_events
from tests.unit.widgets.desk import start


def test_a_lead_is_reported_with_its_call_and_token(token: WidgetToken, acme: Tenant) -> None:
    session = start(token, name="Ada", phone="+14155550142").session
    ((lead,), _) = leads.list_leads(acme.org_id, token.id, 10, None)
    (event,) = (one for one in list_workflow_events(acme.org_id, "corr_test") if one.type == "widget.lead_captured")
    assert "Ada" not in event.model_dump_json()
    (told,) = webhooks.render(event, rendering.read_subjects([event]).of(event))
    assert (told.event, told.body["type"]) == ("widget.lead_captured", "widget.lead_captured")
    assert told.body["data"] == {
        "id": lead.id,
        "name": "Ada",
        "email": None,
        "phone": "+14155550142",
        "notes": None,
        "origin": "https://shop.example",
        "call_id": session.call_id,
        "created_at": lead.created_at,
        "token_id": token.id,
        "consent": None,
        "kept_until": lead.kept_until,
    }
