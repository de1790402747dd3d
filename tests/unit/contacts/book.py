"""An organization's contacts, as tests create and search them."""

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


def save_contact(tenant: Tenant, e164: str = ADA, **changes: Any) -> Contact:
    """Change a contact and return it."""
    return service.upsert_contact(tenant.caller(master=True), e164, changes).contact


def index_notes(contact: Contact) -> Contact:
    """Index the notes of a contact and return the contact."""
    indexing.update_tails(contact.org_id, [contact.id])
    return contact


def list_pages(tenant: Tenant, text: str | None = None, limit: int = 50) -> list[list[ContactWithHistory]]:
    """Returns all pages of a list or a search."""
    found, cursor = [], None
    while True:
        page, cursor = service.list_contacts(tenant.org_id, text, limit, cursor)
        found.append(page)
        if cursor is None:
            return found


def list_names(tenant: Tenant, text: str | None = None, limit: int = 50) -> list[str | None]:
    """Returns the names of a list or a search, over all pages."""
    return [known.contact.display_name for page in list_pages(tenant, text, limit) for known in page]


def record_call(tenant: Tenant, to: str, **changes: Any) -> Event:
    """Record a call to a number in the history of the number. Returns the event of the call."""
    order = Order(to=to, tier=Tier.BASIC, consent_source="business-relationship").model_copy(update=changes)
    caller = tenant.caller(correlation_id=ids.new_id("corr"))
    calls.place_call(caller, order)
    (event,) = list_workflow_events(caller.org_id, caller.correlation_id)
    projections.project_event(event)
    return event


def list_workflow_events(org_id: str, correlation_id: str) -> list[Event]:
    """Returns the events of a workflow."""
    items = Query(table="activity", partition=events.workflow_partition(org_id, correlation_id)).read_all()
    return [events.parse_event(item) for item in items if "outbox" in item]
