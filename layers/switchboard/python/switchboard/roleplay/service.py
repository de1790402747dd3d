"""Reads practice calls, and manages the drills of a tenant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from switchboard.accounts.models import Caller
from switchboard.aws.table import commit
from switchboard.errors import NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.roleplay import store
from switchboard.roleplay.catalog import drills
from switchboard.roleplay.catalog.drills import Drill
from switchboard.roleplay.models import Call, Detail, Listed, State

_CALL_ID = re.compile(r"athos_call_[A-Za-z0-9_-]{21}")


class Offer(NamedTuple):
    """A drill of the catalog, and whether it is on for the tenant."""

    drill: Drill
    on: bool


def find(org_id: str, call_id: str) -> Call | None:
    """Return a call of an organization in any state, or `None`. For workers."""
    return store.CALLS.get(org_id, call_id)


def find_many(places: Sequence[tuple[str, str]]) -> list[Call | None]:
    """Return the calls of up to 100 pairs of organization and call id, in the given order. For workers."""
    return store.CALLS.get_across(places)


def get(caller: Caller, call_id: str) -> Detail:
    """Return a scored call of the organization, with transcript and score. Raises NotFound."""
    found = store.detail(caller.org_id, call_id) if _CALL_ID.fullmatch(call_id) else None
    if found is None or found.call.state is not State.SCORED:
        raise NotFound("There is no such call.", code="call_not_found")
    return found


def listing(caller: Caller, listed: Listed, limit: int, after: str | None) -> tuple[list[Call], str | None]:
    """Return a page of scored calls, by end time, newest first, and the cursor of the next page."""
    page = store.page(caller.org_id, listed, limit, after)
    return [store.CALLS.read(item) for item in page.items], page.cursor


def offers(org_id: str) -> list[Offer]:
    """Return all drills of the catalog, and whether each is on for the organization."""
    off = store.switched_off(store.get_drills(org_id))
    found = (drills.current(key) for key in drills.names())
    return [Offer(drill, drill.key not in off) for drill in found if drill]


def switch_drill(origin: Origin, key: str, *, on: bool) -> None:
    """Switch a drill on or off for an organization. Raises NotFound."""
    drill = drills.current(key)
    if drill is None:
        raise NotFound("There is no such drill.")
    event = events.of(
        origin, "roleplay.drill_switched", Subject(type="organization", id=origin.org_id), drill=key, on=on
    )
    commit(store.switch_drills(origin.org_id, [key], on=on), events.record(event))
