"""Sessions and leads of widgets in the `activity` table.

| item | pk | sk |
|---|---|---|
| session | `<org>#widget-session#<id>` | `session` |
| lead | `<org>#widget-leads#<token>` | `<id>` |

gsi1 lists the open sessions of a token, so that a revoked token ends them. Ids of leads sort by time.
"""

from __future__ import annotations

from collections.abc import Sequence

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Delete, Put
from switchboard.persistence.collection import Collection
from switchboard.persistence.listing import Listing, ListView, place_of, read_query_page
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.widgets.models import Lead, WidgetSession, WidgetSessionState

OPEN_SESSIONS = Listing("activity", "widget-sessions", (ListView(index="gsi1", by=("token",)),))


def _key(org_id: str, session_id: str) -> Key:
    return {"pk": f"{org_id}#widget-session#{session_id}", "sk": "session"}


def _lists(session: WidgetSession) -> Item:
    token = session.token_id if session.state is WidgetSessionState.OPEN else None
    return OPEN_SESSIONS.index_attributes(session.org_id, place_of(session.created_at, session.id), {"token": token})


SESSIONS = Collection("activity", WidgetSession, _key, _lists)


def list_open_places(org_id: str, token_id: str, limit: int, before: str | None = None) -> list[str]:
    """Returns the places of open sessions of a token, the newest first."""
    return OPEN_SESSIONS.places(org_id, {"token": [token_id]}, limit, before=before)


def _lead_key(org_id: str, token_id: str, lead_id: str) -> Key:
    return {"pk": f"{org_id}#widget-leads#{token_id}", "sk": lead_id}


def lead_write(lead: Lead) -> Put:
    """Returns the write that stores a new lead."""
    item = {**_lead_key(lead.org_id, lead.token_id, lead.id), **lead.model_dump(mode="json", exclude_none=True)}
    return Put(table="activity", item=item, unless_exists=True)


def lead_delete_write(lead: Lead) -> Delete:
    """Returns the write that deletes a lead. Raises StaleVersionError at commit if it is deleted already."""
    return Delete(
        table="activity",
        key=_lead_key(lead.org_id, lead.token_id, lead.id),
        condition="attribute_exists(pk)",
        otherwise=StaleVersionError,
    )


def list_leads(org_id: str, token_id: str, limit: int, after: str | None) -> tuple[list[Lead], str | None]:
    """Returns a page of a token's leads, the newest first, and the cursor of the next page."""
    partition = f"{org_id}#widget-leads#{token_id}"
    query = Query(table="activity", partition=partition, forward=False)
    return read_query_page(query, Lead.model_validate, org_id, partition, limit, after)


def find_leads(places: Sequence[tuple[str, str, str]]) -> list[Lead | None]:
    """Returns the leads of up to 100 triples of organization, token and id, in the same order."""
    items = reads.get_items("activity", [_lead_key(*place) for place in places]) if places else []
    return [Lead.model_validate(item) if item else None for item in items]
