"""The catalog of HUM's webhooks: each event name with its description, JSON Schema and example.

A name is in the catalog by its row in `switchboard/events/types`. The schema of its data is that of the model in
`webhook_models.py`. An event without a model there has the data of its row.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel

from switchboard.dialects.hum import webhook_models as models
from switchboard.dialects.hum.webhook_samples import OF_NAME, SAMPLES, SUBJECT_IDS
from switchboard.dialects.hum.webhooks import FACTS
from switchboard.events import registry
from switchboard.webhooks.body_schemas import Schema, body_schema, make_example, row_schema
from switchboard.webhooks.catalog import CatalogEntry, EventCatalog
from switchboard.webhooks.event_names import OPEN_NAMES, TEST_EVENT, event_types, types_of

_MODELS: dict[str, type[BaseModel]] = {
    "brand": models.BrandWebhookData,
    "brand_campaign": models.CampaignWebhookData,
    "call": models.CallWebhookData,
    "conversation": models.ConversationWebhookData,
    "message": models.MailWebhookData,
    "number": models.NumberWebhookData,
    "text": models.TextWebhookData,
    "tool_approval": models.ToolApprovalWebhookData,
    "voicemail": models.VoicemailWebhookData,
    "widget_lead": models.LeadWebhookData,
}
#: The models of names whose data differs from that of their subject.
_MODELS_OF_NAMES: dict[str, type[BaseModel]] = {
    "call.flow_switched": models.SwitchedCallWebhookData,
    "external.*": models.FiringWebhookData,
    "sms.opt_in": models.OptInWebhookData,
    "sms.opt_out": models.OptOutWebhookData,
    TEST_EVENT: models.TestWebhookData,
}
#: The descriptions of names that stand for several of our types, or for none.
_ABOUT = {
    "call.completed": "A call ended, also one that was busy or that nobody answered. An answered call is reported when"
    " its talk is summarized, with the summary.",
    "external.*": "Another system fired one of your triggers. The name of the event is that of the trigger.",
    TEST_EVENT: "Sent by the test of a webhook, which needs no subscription.",
}
_ID = {"type": "string", "description": "The id of the event. Use it to recognize a repeated delivery of the event."}
_SUBJECT_ID = {"type": "string", "description": "The id of the object that the event is about."}


@cache
def catalog() -> EventCatalog:
    """Returns the catalog. It is made once, because the schemas take some time."""
    names = sorted({*event_types("hum"), *OPEN_NAMES["hum"], TEST_EVENT})
    return EventCatalog("hum", tuple(_entry(name) for name in names))


def _entry(name: str) -> CatalogEntry:
    schema = _with_envelope(name, _data_schema(name))
    subject = SUBJECT_IDS.get(name.partition(".")[0])
    samples = SAMPLES | ({"data.id": subject} if subject else {}) | OF_NAME.get(name, {})
    return CatalogEntry(name, _about(name), schema, make_example(schema, samples))


def _about(name: str) -> str:
    return _ABOUT.get(name) or registry.TYPES[types_of("hum", name)[0]].about


def _data_schema(name: str) -> Schema:
    if model := _model_of(name):
        return body_schema(model)
    (type_,) = types_of("hum", name)
    row = row_schema(registry.TYPES[type_].data)
    return row | {
        "type": "object",
        "properties": {"id": _SUBJECT_ID, **row.get("properties", {})},
        "required": ["id", *row.get("required", [])],
    }


def _model_of(name: str) -> type[BaseModel] | None:
    if name in _MODELS_OF_NAMES:
        return _MODELS_OF_NAMES[name]
    (subject,) = {registry.TYPES[type_].subject for type_ in types_of("hum", name)}
    assert (subject in FACTS) == (subject in _MODELS), f"give the {subject} a model in webhook_models.py"
    return _MODELS.get(subject)


def _with_envelope(name: str, data: Schema) -> Schema:
    """Returns the schema of a whole body, with the definitions of its data."""
    dialect, definitions = data.pop("$schema", None), data.pop("$defs", None)
    told = {"const": name} if not name.endswith(".*") else {"type": "string", "pattern": rf"^{name[:-2]}\."}
    properties: dict[str, Any] = {
        "id": _ID,
        "type": told | {"description": "The name of the event."},
        "org_id": {"type": "string"},
        "created_at": {"type": "string", "format": "date-time", "description": "When the event happened."},
        "data": data,
    }
    found: Schema = {"type": "object", "properties": properties, "required": [*properties]}
    return ({"$schema": dialect} if dialect else {}) | found | ({"$defs": definitions} if definitions else {})
