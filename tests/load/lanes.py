"""The cost of lanes and pace for a call: requests to DynamoDB and write units; and their effect under load.

A call is dialed and ended on the local engine. Only requests for lanes, waiting calls and paces count: a write in a
transaction is two units, a single write one. A failed condition counts as much as a write.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from switchboard.accounts import organizations
from switchboard.aws import clients
from switchboard.calls import dialing, pacing, reports, service, wakeups
from switchboard.calls.models import Call, Order, Tier
from switchboard.carriers.voice.ports.line import Pace
from switchboard.carriers.voice.ports.reports import EndReason, Report
from switchboard.carriers.voice.simulator import SimulatedLine
from switchboard.kit import clock
from tests import crowd
from tests.actors import Tenant, system, tenant
from tests.crowd import Plan
from tests.load import dynamo, report, stub

_OWN = "+12125550100"
#: The maximum cost of a call that does not wait, on a number of its own: a lane is taken and returned, a place in the
#: line is deleted, and two paces are recorded.
TARGET = 8
#: Sixty concurrent calls of an organization with five lanes, one call a second, and twenty dialers.
_CROWD = Plan(cap=5, per_second=1, rate=1, calls=60, talk_seconds=20)
_CROWDS = {
    "60 calls, 5 lanes, 1 a second": _CROWD,
    "200 calls, 5 lanes, 1 a second": replace(_CROWD, per_second=2, calls=200),
    "375 calls, 25 lanes, 1 a second": replace(_CROWD, cap=25, per_second=5, calls=375, talk_seconds=60),
    "3 tenants with 20 calls on a shared number": replace(_CROWD, cap=2, calls=20, own=False, organizations=3),
    "3 tenants with 60 calls on an account of 5 a second": replace(
        _CROWD, cap=25, per_second=5, rate=5, organizations=3, counted_by="account"
    ),
}
#: Ten tenants with 120 short calls each, and one with a call every five seconds.
_BUSY = Plan(cap=250, per_second=50, rate=5, calls=120, talk_seconds=5, organizations=10, idle_tenant=True)


class _Counted:
    def __init__(self) -> None:
        self.requests, self.units = 0, 0

    def row(self) -> tuple[int, int]:
        return self.requests, self.units


def measure() -> None:
    """Print requests and units."""
    stub.drop_log()
    rows: list[tuple[object, ...]] = []
    with dynamo._engine(), clock.using(clock.FrozenClock(clock.now_iso())), patch.object(pacing, "sleep", _pass):
        for name, pace, own in (
            ("no pace (the simulator)", math.inf, True),
            ("a number of its own", 1.0, True),
            ("a number that tenants share", 1.0, False),
        ):
            with patch.object(SimulatedLine, "pace_of", lambda _, __, ___, pace=pace: Pace(pace)):
                one = _org(name.replace(" ", "-").strip("()"), own=own)
                found = _counted(lambda one=one: _whole(_placed(one)))  # type: ignore[misc]
                rows.append((name, *found.row()))
                if own and pace == 1:
                    report.at_most("lanes and pace of a call", found.units, "WCU", TARGET)
                    report.without_target("lanes and pace of a call, requests", found.requests, "requests")
        busy = _org("busy", own=True)
        first = _placed(busy)
        dialing.dial_call(first.org_id, first.id)
        second = _placed(busy)
        found = _counted(lambda: _waits(first, second))
        rows.append(("a call that waits for a lane, and the end that wakes it", *found.row()))
        report.without_target("a call that waits for a lane", found.units, "WCU")
    report.table(
        f"Lanes and pace: requests and write units that they add to a call (target on its own number: {TARGET} WCU)",
        ("", "requests", "WCU"),
        rows,
    )
    _together()


def _together() -> None:
    """Print the outcome of many calls that many dialers take at once (`tests.crowd`)."""
    rows: list[tuple[object, ...]] = []
    for name, plan in _CROWDS.items():
        found = crowd.run(plan)
        share = f"{found.free:.1%}"
        figures = (
            f"{found.seconds:.0f}",
            f"{plan.fastest:.0f}",
            share,
            f"{found.dial_jobs:.1f}",
            f"{found.requests:.0f}",
        )
        rows.append((name, f"{found.dialed} of {plan.possible}", *figures))
        if plan is _CROWD:
            report.at_least("calls at once: dialed of those possible", found.dialed / plan.possible * 100, "%", 100)
            report.at_most("calls at once: lanes' time lost", found.free * 100, "%", 5)
            report.at_most("calls at once: dial jobs a call", found.dial_jobs, "jobs", 6)
    report.table(
        "Many calls at once, and twenty dialers",
        ("", "dialed", "seconds", "at best", "lanes' time lost", "dial jobs a call", "requests a call"),
        rows,
    )
    report.at_most("calls at once: an idle tenant's call waits", crowd.run(_BUSY).delay, "s", 2)


def _org(slug: str, *, own: bool) -> Tenant:
    made = tenant(slug, concurrent_calls=1)
    if own:
        organizations.update_organization(
            system(made.org_id), organizations.get_organization(made.org_id), {"caller_id": _OWN}
        )
    return made


def _placed(one: Tenant) -> Call:
    order = Order(to="+14155550142", tier=Tier.BASIC, consent_source="business-relationship")
    return service.place_call(one.caller(), order)


def _whole(call: Call) -> None:
    dialing.dial_call(call.org_id, call.id)
    _end(call)
    wakeups.wake_waiting_calls(call.org_id, call.id)


def _waits(first: Call, second: Call) -> None:
    dialing.dial_call(second.org_id, second.id)
    _end(first)
    wakeups.wake_waiting_calls(first.org_id, first.id)


def _end(call: Call) -> None:
    reports.apply_report(Report(org_id=call.org_id, call_id=call.id, kind="ended", end_reason=EndReason.NO_ANSWER))


def _pass(seconds: float) -> None:
    source = clock._source
    assert isinstance(source, clock.FrozenClock)
    source.advance(seconds=seconds)


def _counted(act: Callable[[], None]) -> _Counted:
    with _counting() as found:
        act()
    return found


@contextmanager
def _counting() -> Iterator[_Counted]:
    found = _Counted()

    def ask(params: dict[str, Any], model: Any, **_: Any) -> None:
        items = params.get("TransactItems")
        if items is None:
            mine = int(_is_of_lanes(params))
            found.requests += mine
            found.units += mine if model.name in ("PutItem", "UpdateItem", "DeleteItem") else 0
            return
        found.units += 2 * sum(_is_of_lanes(part) for write in items for part in write.values())

    hooks = clients.dynamodb_client().meta.events
    hooks.register("before-parameter-build.dynamodb", ask)
    try:
        yield found
    finally:
        hooks.unregister("before-parameter-build.dynamodb", ask)


def _is_of_lanes(request: dict[str, Any]) -> bool:
    """Whether a request concerns a lane, a waiting call, or a pace. Jobs and checks for them count, too."""
    key = request.get("Key") or request.get("Item") or {}
    values = request.get("ExpressionAttributeValues") or {}
    pk = str((key.get("pk") or values.get(":pk") or {}).get("S", ""))
    job = str(request.get("Item", {}).get("body", {}).get("M", {}).get("job", {}).get("S", ""))
    is_check = request.get("ConditionExpression") == "version = :version"
    return "#lanes#" in pk or pk.endswith("#pace") or pk.startswith("pace#") or job.endswith("Waiting") or is_check
