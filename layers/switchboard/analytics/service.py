"""The figures of the console: the dashboard, and the reports of a range for an organization or one flow."""

from __future__ import annotations

from typing import NamedTuple
from zoneinfo import ZoneInfo

from switchboard.accounts.models import Organization
from switchboard.analytics.models import FlowFigures, RangeFigures
from switchboard.analytics.ranges import find_range
from switchboard.analytics.reading import RangeReading, RangeSums
from switchboard.aws import reads
from switchboard.call_records import newest
from switchboard.call_records.companions import read_many
from switchboard.call_records.models import CallRow
from switchboard.calls.inbox import INBOX
from switchboard.compliance import zones
from switchboard.errors import NotFound
from switchboard.flows import service as flows
from switchboard.inbox import service as inboxes
from switchboard.inbox.models import ReadState
from switchboard.kit.background import BackgroundTask
from switchboard.team.models import Member
from switchboard.usage import service as usage
from switchboard.usage.models import Meter

#: The lines of flows in a report: those with the most calls. Their names are one request.
MAX_FLOW_LINES = 100
_DASHBOARD_DAYS = 7
_RECENT_CALLS = 10
#: The inboxes whose unread things the dashboard counts.
_INBOXES = (INBOX, "voicemails")


class Dashboard(NamedTuple):
    """The dashboard: today and the six days before, what the member has not read, and the newest calls."""

    sums: RangeSums
    unread_calls: int
    unread_voicemails: int
    minutes_used: int
    minutes_included: int | None
    recent_calls: list[CallRow]


def get_analytics(org: Organization, days: int, start: str | None, end: str | None) -> RangeFigures:
    """Returns the figures of a range, in two round trips. Raises Invalid for an invalid range.

    The first reads the tallies. The second reads the names of flows, and the lines of flows at both ends of the range.
    """
    reading = RangeReading(org.id, None, find_range(zone_of(org), days, start, end), whole=True)
    reading.start()
    sums = reading.sums(reads.read_refs(*reading.refs))
    of_lines = reading.line_refs(sums.names)
    # Without the lines at both ends, each flow may be among those with the most calls.
    ids = sums.names.flows if of_lines else [flow_id for flow_id in list(sums.flows)[:MAX_FLOW_LINES] if flow_id]
    answers = read_many([*(flows.flow_ref(org.id, flow_id) for flow_id in ids), *of_lines])
    reading.add_lines(sums, answers[len(ids) :])
    known = {flow.id: flow.name for flow in answers[: len(ids)] if flow}
    lines = list(sums.flows.items())[:MAX_FLOW_LINES]
    return _figures(sums, [FlowFigures(flow_id, known.get(flow_id or ""), figures) for flow_id, figures in lines])


def get_flow_analytics(org: Organization, flow_id: str, days: int, start: str | None, end: str | None) -> RangeFigures:
    """Returns the figures of a flow's calls in a range, in one round trip.

    Raises NotFound, or Invalid for an invalid range.
    """
    wanted = find_range(zone_of(org), days, start, end)
    found = flows.parse_flow_id(flow_id)
    if found is None:
        raise NotFound("There is no such flow: check its id.")
    reading = RangeReading(org.id, found, wanted)
    reading.start()
    flow, *answers = reads.read_refs(flows.flow_ref(org.id, found), *reading.refs)
    if flow is None:
        raise NotFound("There is no such flow: check its id.")
    return _figures(reading.sums(answers), [])


def _figures(sums: RangeSums, lines: list[FlowFigures]) -> RangeFigures:
    return RangeFigures(
        sums.wanted, sums.totals, sums.days, sums.hours, sums.outcomes, sums.sentiments, lines, sums.texts
    )


def get_dashboard(member: Member) -> Dashboard:
    """Returns the dashboard of a member, in two round trips and four requests.

    The first reads the counts, the use of the month, the read states, and the places of the newest calls. The second
    reads these calls with what their rows need, and counts what is unread.
    """
    org, user_id = member.organization, member.user_id
    of_places = BackgroundTask(lambda: newest.list_newest_places(org.id, _RECENT_CALLS))
    reading = RangeReading(org.id, None, find_range(zone_of(org), _DASHBOARD_DAYS, None, None))
    for task in (of_places, reading):
        task.start()
    of_states = [inboxes.state_ref(org.id, kind, user_id) for kind in _INBOXES]
    counters = usage.monthly_counter_refs(org.id)
    answers = reads.read_refs(*counters, *of_states, *reading.refs)
    used, answers = answers[: len(counters)], answers[len(counters) :]
    states = [state or ReadState() for state in answers[: len(_INBOXES)]]
    nodes = [inboxes.count_refs(org.id, kind, state) for kind, state in zip(_INBOXES, states, strict=True)]
    rows, counts = newest.read_newest_calls(
        org.id, user_id, of_places.result(), states[0], [ref for path in nodes for ref in path]
    )
    split = len(nodes[0])
    return Dashboard(
        reading.sums(answers[len(_INBOXES) :]),
        inboxes.count_from(states[0], counts[:split]),
        inboxes.count_from(states[1], counts[split:]),
        usage.sum_units(used, Meter.VOICE_BASIC, Meter.VOICE_PREMIUM),
        org.terms.voice_minutes_per_month,
        rows,
    )


def zone_of(org: Organization) -> ZoneInfo:
    """Returns the time zone of an organization's days. It is UTC if the zone's name is unknown."""
    return zones.load_zone(org.timezone) or ZoneInfo("UTC")
