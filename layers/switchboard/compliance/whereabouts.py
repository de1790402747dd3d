"""The places of numbers' holders by an organization's records: one entry for each number, shared by all APIs."""

from __future__ import annotations

from switchboard.aws.writes import Writes
from switchboard.compliance import store, zones
from switchboard.compliance.models import Whereabouts
from switchboard.errors import Invalid
from switchboard.events.models import Origin
from switchboard.kit import clock


def parse_whereabouts(time_zone: str | None, state: str | None) -> tuple[str | None, str | None]:
    """Returns a valid time zone and state for the gate. Raises Invalid with the names of the fields."""
    problems = {}
    if time_zone is not None and zones.load_zone(time_zone) is None:
        problems["time_zone"] = "must be an IANA time zone, such as America/New_York"
    elif time_zone is not None and not zones.countries_of(time_zone):
        problems["time_zone"] = "belongs to no country: use a time zone such as America/New_York"
    if state is not None:
        state = state.upper()
        if not zones.of_state(state):
            problems["state"] = "must be a state or territory of the United States, such as NY"
    if problems:
        raise Invalid("Invalid place: see the fields.", code="place_unknown", fields=problems)
    return time_zone, state


def record_writes(origin: Origin, e164: str, time_zone: str | None, state: str | None, *, confirmed: bool) -> Writes:
    """Returns the write that stores the place of a number's holder, or deletes it without a time zone and a state."""
    if time_zone is None and state is None:
        return store.delete_whereabouts_writes(origin.org_id, e164)
    where = Whereabouts(time_zone=time_zone, state=state, confirmed=confirmed, by=origin.actor.id, at=clock.now_iso())
    return store.whereabouts_writes(origin.org_id, e164, where)
