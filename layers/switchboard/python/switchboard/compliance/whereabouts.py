"""Where the holders of numbers are, as an organisation's records say: one entry a number, for all of its APIs."""

from __future__ import annotations

from switchboard.aws import clock
from switchboard.aws.table import Writes
from switchboard.compliance import store, zones
from switchboard.compliance.models import Whereabouts
from switchboard.errors import Invalid
from switchboard.events.models import Origin


def checked(time_zone: str | None, state: str | None) -> tuple[str | None, str | None]:
    """A zone and a state as the gate takes them. Raises Invalid, which names the field."""
    problems = {}
    if time_zone is not None and zones.zone(time_zone) is None:
        problems["time_zone"] = "is no IANA time zone, such as America/New_York"
    elif time_zone is not None and not zones.countries_of(time_zone):
        problems["time_zone"] = "is the time zone of no country: state one such as America/New_York"
    if state is not None:
        state = state.upper()
        if not zones.of_state(state):
            problems["state"] = "is no state or territory of the United States, such as NY"
    if problems:
        raise Invalid("Nobody can be there.", code="place_unknown", fields=problems)
    return time_zone, state


def record_writes(origin: Origin, e164: str, time_zone: str | None, state: str | None, *, confirmed: bool) -> Writes:
    """The write that keeps where a number's holder is, or forgets it where nothing is known any more."""
    if time_zone is None and state is None:
        return store.forget_whereabouts(origin.org_id, e164)
    where = Whereabouts(time_zone=time_zone, state=state, confirmed=confirmed, by=origin.actor.id, at=clock.stamp())
    return store.keep_whereabouts(origin.org_id, e164, where)
