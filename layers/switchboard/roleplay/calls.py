"""Reads practice calls, and manages the drills of a tenant."""

from __future__ import annotations

import re
from typing import NamedTuple

from switchboard.accounts.models import Caller
from switchboard.aws.writes import commit
from switchboard.errors import NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.roleplay import store
from switchboard.roleplay.catalog import drills
from switchboard.roleplay.catalog.drills import Drill
from switchboard.roleplay.models import RoleplayCall, RoleplayState, ScoredCall, ScoredCallFilter
from switchboard.roleplay.store import find_call, find_calls

__all__ = ["find_call", "find_calls"]

_CALL_ID = re.compile(r"athos_call_[A-Za-z0-9_-]{21}")


class DrillOffer(NamedTuple):
    """A drill of the catalog, and whether it is on for the tenant."""

    drill: Drill
    on: bool


def get_scored_call(caller: Caller, call_id: str) -> ScoredCall:
    """Returns a scored call of the organization, with transcript and score. Raises NotFound."""
    found = store.get_scored_call(caller.org_id, call_id) if _CALL_ID.fullmatch(call_id) else None
    if found is None or found.call.state is not RoleplayState.SCORED:
        raise NotFound("There is no such call: check its id.", code="call_not_found")
    return found


def list_scored_calls(
    caller: Caller, listed: ScoredCallFilter, limit: int, after: str | None
) -> tuple[list[RoleplayCall], str | None]:
    """Returns a page of scored calls, by end time, newest first, and the cursor of the next page."""
    page = store.list_scored_calls(caller.org_id, listed, limit, after)
    return [store.CALLS.from_item(item) for item in page.items], page.cursor


def list_drill_offers(org_id: str) -> list[DrillOffer]:
    """Returns all drills of the catalog, and whether each is on for the organization."""
    off = store.get_switched_off(org_id)
    found = (drills.current(key) for key in drills.names())
    return [DrillOffer(drill, drill.key not in off) for drill in found if drill]


def switch_drill(origin: Origin, key: str, *, on: bool) -> None:
    """Switches a drill on or off for an organization. Raises NotFound."""
    drill = drills.current(key)
    if drill is None:
        raise NotFound("There is no such drill: check its id.")
    event_write = events.new_event_write(
        origin, "roleplay.drill_switched", Subject(type="organization", id=origin.org_id), drill=key, on=on
    )
    commit(store.drill_switch_write(origin.org_id, [key], on=on), event_write)
