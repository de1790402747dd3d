"""HUM: `/api/contacts*`: the contacts of an organization, by phone number."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.hum.contacts.schemas import BackfillView, ContactInput, ContactList, ContactView
from switchboard.contacts import backfill, service
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import DONE, Cursor, Limit, Ok
from switchboard.edge.api import Api
from switchboard.team.permissions import Permission

api = Api(Hum(), "contacts", tags={"Contacts": "The people that the organization knows, by phone number."})

_UNKNOWN = "There is no such contact."


@api.get(
    "/api/contacts",
    summary="List or search contacts",
    operation_id="listContacts",
    description="Sorted by name. A page may be short or even empty although more pages follow: check `next_cursor`.",
    permission=Permission.CONTACTS_READ,
)
def list_contacts(
    q: Annotated[
        str | None,
        Query(
            max_length=200,
            description="Search terms. A contact must match all of them. A term matches the start of a word in number, "
            "name, role or notes. A number may be in any format. New notes can be found after a few moments.",
        ),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ContactList:
    known, after = service.list_contacts(api.member.org_id, q, limit, cursor)
    return ContactList(contacts=[ContactView.of(one) for one in known], next_cursor=after)


@api.post(
    "/api/contacts",
    summary="Create or change the contact of a number",
    operation_id="upsertContact",
    description="`e164` is required. A missing field stays unchanged; `null` clears it.",
    permission=Permission.CONTACTS_WRITE,
)
def upsert_contact(request: ContactInput) -> ContactView:
    changes = request.sent_fields()
    e164 = changes.pop("e164", None)
    return ContactView.of(service.upsert_contact(api.member, e164, changes, api.member.effect))


@api.patch(
    "/api/contacts/<con:contact_id>",
    summary="Update a contact",
    operation_id="updateContact",
    description="A missing field stays unchanged; `null` clears it. The number cannot be changed.",
    permission=Permission.CONTACTS_WRITE,
    responses={404: _UNKNOWN, 409: "`e164` differs from the contact's number."},
)
def update_contact(contact_id: str, request: ContactInput) -> ContactView:
    return ContactView.of(service.update_contact(api.member, contact_id, request.sent_fields(), api.member.effect))


@api.delete(
    "/api/contacts/<con:contact_id>",
    summary="Delete a contact",
    operation_id="deleteContact",
    description="Calls with its number stay. A later contact of the same number counts them again.",
    permission=Permission.CONTACTS_WRITE,
    responses={404: _UNKNOWN},
)
def delete_contact(contact_id: str) -> Ok:
    service.delete_contact(api.member, contact_id, api.member.effect)
    return DONE


@api.post(
    "/api/contacts/backfill",
    summary="Create contacts from the call history",
    operation_id="backfillContacts",
    description="Runs in the background. While it runs, the same request returns its progress.",
    permission=Permission.CONTACTS_WRITE,
)
def start_backfill() -> BackfillView:
    return BackfillView.of(backfill.start_backfill(api.member, api.member.effect))


@api.get(
    "/api/contacts/backfill",
    summary="Get the progress of the last backfill",
    operation_id="getContactsBackfill",
    permission=Permission.CONTACTS_READ,
    responses={404: "The organization has not started a backfill yet."},
)
def get_backfill() -> BackfillView:
    return BackfillView.of(backfill.get_backfill(api.member.org_id))


handler = api.handler
