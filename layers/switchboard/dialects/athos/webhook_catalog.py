"""The catalog of Athos' webhook, `call.scored`: its description, JSON Schema and example."""

from __future__ import annotations

from functools import cache

from switchboard.dialects.athos.webhook_bodies import ScoredBody
from switchboard.webhooks.body_schemas import make_example, typed_schema
from switchboard.webhooks.catalog import CatalogEntry, EventCatalog

_SAMPLES = {
    "success": False,
    "callId": "athos_call_V1StGXR8_Z5jdHi6B-myT",
    "source": "roleplay",
    "externalUserId": "rep-17",
    "externalAgencyId": None,
    "occurredAt": "2026-01-15T17:00:00.000Z",
    "requestId": "req_7f0c2f9a-3c1e-4d8b-9f5e-2b6a1c0d4e8f",
    "reason": "TRANSCRIPT_TOO_SHORT",
    "reasonMessage": "The call is too short to be scored.",
}


@cache
def catalog() -> EventCatalog:
    """Returns the catalog."""
    schema = typed_schema(ScoredBody, event="call.scored")
    about = "A practice call was scored, or could not be scored. `reason` then says why."
    return EventCatalog("athos", (CatalogEntry("call.scored", about, schema, make_example(schema, _SAMPLES)),))
