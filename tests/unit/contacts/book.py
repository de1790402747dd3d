"""An organization's contacts, as tests fill and search them."""

from __future__ import annotations

from typing import Any

from switchboard.aws.reads import Query
from switchboard.calls import service as calls
from switchboard.calls.models import Order, Tier
from switchboard.contacts import indexing, service
from switchboard.contacts.models import Contact, ContactWithHistory
from switchboard.events import service as events
from switchboard.events.models import Event
from switchboard.kit import ids
from switchboard.projections import service as projections
from tests.actors import Tenant

ADA, BOB = "+14155550142", "+442079460018"


def saved(tenant: Tenant, e164: str = ADA, **changes: Any) -> Contact:
    """A contact, after a change."""
    return service.upsert_contact(tenant.caller(master=True), e164, changes).contact


def indexed(contact: Contact) -> Contact:
    """The contact, after its notes are indexed."""
    indexing.update_tails(contact.org_id, [contact.id])
    return contact


def pages(tenant: Tenant, text: str | None = None, limit: int = 50) -> list[list[ContactWithHistory]]:
    """All pages of a list or a search."""
    found, cursor = [], None
    while True:
        page, cursor = service.list_contacts(tenant.org_id, text, limit, cursor)
        found.append(page)
        if cursor is None:
            return found


def names(tenant: Tenant, text: str | None = None, limit: int = 50) -> list[str | None]:
    """The names of a list or a search, page after page."""
    return [known.contact.display_name for page in pages(tenant, text, limit) for known in page]


def called(tenant: Tenant, to: str, **changes: Any) -> Event:
    """A call to a number, which its history tells of. Returns the event of the call."""
    order = Order(to=to, tier=Tier.BASIC, consent_source="business-relationship").model_copy(update=changes)
    caller = tenant.caller(correlation_id=ids.new_id("corr"))
    calls.place_call(caller, order)
    (event,) = told(caller.org_id, caller.correlation_id)
    projections.project_event(event)
    return event


def told(org_id: str, correlation_id: str) -> list[Event]:
    """The events of a workflow."""
    items = Query(table="activity", partition=events.workflow_partition(org_id, correlation_id)).all()
    return [events.parse_event(item) for item in items if "outbox" in item]
