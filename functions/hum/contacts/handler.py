"""HUM: `/api/contacts*`: whom an organisation knows, by telephone number."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.hum.contacts.schemas import Backfill, Contact, ContactInput, ContactList
from switchboard.contacts import backfill, service
from switchboard.edge.api import Api
from switchboard.edge.dialects.hum import Hum
from switchboard.edge.ok import DONE, Ok
from switchboard.edge.paging import Cursor, Limit
from switchboard.errors import Invalid
from switchboard.team.permissions import Permission

api = Api(Hum(), "contacts", tags={"Contacts": "Whom the organisation knows, by their numbers."})

_UNKNOWN = "There is no such contact."


@api.get(
    "/api/contacts",
    summary="List contacts by name, or search them",
    operation_id="listContacts",
    tag="Contacts",
    description="A page may be short, or empty, and not the last: `next_cursor` tells.",
    permission=Permission.CONTACTS_READ,
)
def list_contacts(
    q: Annotated[
        str | None,
        Query(
            max_length=200,
            description="Beginnings of words in number, name, role or notes, all of which a contact has to have. A "
            "number may be written in any way. Notes are found some moments after they were written.",
        ),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ContactList:
    known, after = service.listing(api.member.org_id, q, limit, cursor)
    return ContactList(contacts=[Contact.of(one) for one in known], next_cursor=after)


@api.post(
    "/api/contacts",
    summary="Create or change the contact of a number",
    operation_id="upsertContact",
    tag="Contacts",
    description="`e164` is needed. A field that is left out stays as it is; `null` empties it.",
    permission=Permission.CONTACTS_WRITE,
)
def upsert(request: ContactInput) -> Contact:
    changes = request.given()
    if "e164" not in changes:
        raise Invalid("A contact needs a number.", fields={"e164": "is missing"})
    return Contact.of(service.upsert(api.member, changes.pop("e164"), changes, api.member.effect))


@api.patch(
    "/api/contacts/<con:contact_id>",
    summary="Change a contact",
    operation_id="updateContact",
    tag="Contacts",
    description="A field that is left out stays as it is; `null` empties it. The number cannot be changed.",
    permission=Permission.CONTACTS_WRITE,
    responses={404: _UNKNOWN, 409: "`e164` is another number than the contact's."},
)
def update(contact_id: str, request: ContactInput) -> Contact:
    return Contact.of(service.update(api.member, contact_id, request.given(), api.member.effect))


@api.delete(
    "/api/contacts/<con:contact_id>",
    summary="Delete a contact",
    operation_id="deleteContact",
    tag="Contacts",
    description="Calls with its number stay, and are counted again when the number gets a new contact.",
    permission=Permission.CONTACTS_WRITE,
    responses={404: _UNKNOWN},
)
def delete(contact_id: str) -> Ok:
    service.delete(api.member, contact_id, api.member.effect)
    return DONE


@api.post(
    "/api/contacts/backfill",
    summary="Make contacts of the call history",
    operation_id="backfillContacts",
    tag="Contacts",
    description="Goes on in the background; while it does, the same request tells how far it is.",
    permission=Permission.CONTACTS_WRITE,
)
def start_backfill() -> Backfill:
    return Backfill.of(backfill.start(api.member, api.member.effect))


@api.get(
    "/api/contacts/backfill",
    summary="Read how the last backfill stands",
    operation_id="getContactsBackfill",
    tag="Contacts",
    permission=Permission.CONTACTS_READ,
    responses={404: "There was none yet."},
)
def read_backfill() -> Backfill:
    return Backfill.of(backfill.standing(api.member.org_id))


handler = api.handler
