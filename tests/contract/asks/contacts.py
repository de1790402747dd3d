"""Requests for contacts."""

from __future__ import annotations

from tests.contract.console import Person, next_number
from tests.contract.world import Ask


def _contact(admin: Person) -> str:
    return f"/api/contacts/{admin.post('/api/contacts', {'e164': next_number(), 'display_name': 'Grace'}).json()['id']}"


def _backfill(admin: Person) -> str:
    admin.post("/api/contacts/backfill")
    return "/api/contacts/backfill"


GOOD = {
    "listContacts": lambda _: Ask("GET", "/api/contacts"),
    "upsertContact": lambda _: Ask("POST", "/api/contacts", {"e164": next_number(), "display_name": "Grace"}),
    "updateContact": lambda org: Ask("PATCH", _contact(org.admin), {"role": "nurse"}),
    "deleteContact": lambda org: Ask("DELETE", _contact(org.admin)),
    "backfillContacts": lambda _: Ask("POST", "/api/contacts/backfill"),
    "getContactsBackfill": lambda org: Ask("GET", _backfill(org.admin)),
}
