"""The request limiter: what refusals and leases cost, over many processes that share one table.

The processes are simulated in one, with a clock that is moved and a table that counts its writes (`tests/swarm.py`):
the figures are exact, and the same on every machine. Only the time of a decision is measured.
"""

from __future__ import annotations

import time

from switchboard.accounts.plans import PLANS, Plan, PlanName
from switchboard.edge import rate_leases
from tests.load import report
from tests.swarm import Swarm

_SERVED_PERCENT = 95
#: What DynamoDB takes for one item in a second.
_ITEM_WRITES = 1_000
_REFUSED = 200
#: A plan, and so many requests a second for so many seconds.
_LOADS = (
    (PlanName.GROWTH, 50, 60),
    (PlanName.GROWTH, 100, 60),
    (PlanName.SCALE, 150, 60),
    (PlanName.SCALE, 200, 60),
    (PlanName.SCALE, 400, 60),
    (PlanName.SCALE, 2_000, 10),
    (PlanName.ENTERPRISE, 900, 60),
    (PlanName.ENTERPRISE, 1_000, 60),
    (PlanName.ENTERPRISE, 2_000, 60),
    (PlanName.ENTERPRISE, 10_000, 10),
)

#: A row of a table, and the figure that its verdict goes by.
Judged = tuple[tuple[object, ...], float]


def measure() -> None:
    """Print writes after a refusal, the served part of plans, and the writes on the hottest item."""
    refusals = [_refusals(name, window) for name in (PlanName.FREE, PlanName.SCALE) for window in ("minute", "second")]
    report.table(
        f"Limiter: {_REFUSED} refused requests after the first, in one process",
        ("plan, window", "writes", "target", "μs a refusal"),
        [row for row, _ in refusals],
    )
    served = [_served(PLANS[name], rate, seconds) for name, rate, seconds in _LOADS]
    report.table(
        "Limiter: a plan's quota over 60 processes, in a minute at its rate and above, and in a second at its limit"
        f"\n(targets: at least {_SERVED_PERCENT} % served, and never more than 100 %)",
        ("plan, requests/s", "asked", "served", "% of quota", "target", "% of the busiest second"),
        [row for row, _ in served],
    )
    hottest = [_hottest(PLANS[name]) for name in PlanName]
    report.table(
        f"Limiter: 10,000 requests/s on one bucket over 300 processes (target: an item gets less than {_ITEM_WRITES:,}"
        " writes/s)",
        ("plan", "items", "hottest item", "target", "all writes", "for 1,000 requests"),
        [row for row, _ in hottest],
    )
    report.at_most("200 refused requests: writes after the first", max(writes for _, writes in refusals), "writes", 0)
    report.at_least("a plan's quota served under 60 processes", min(share for _, share in served), "%", _SERVED_PERCENT)
    report.at_most(
        "10,000 requests/s: the hottest item", max(writes for _, writes in hottest), "writes/s", _ITEM_WRITES
    )


def _refusals(name: PlanName, window: str) -> Judged:
    terms, crowd = PLANS[name], Swarm(1)
    minute = terms.requests_per_minute if window == "minute" else 1_000_000
    second = terms.requests_per_second if window == "second" else 1_000_000
    # Until the bucket is full, all of it within a part of a second.
    crowd.run(2_000_000, 1, minute, second, times=min(minute, second) + 1)
    before = sum(crowd.table.writes.values())
    started = time.perf_counter()
    served = crowd.run(2_000_000, 1, minute, second, times=_REFUSED)
    took = (time.perf_counter() - started) / _REFUSED * 1_000_000
    assert not served.by_second.total(), "it was not full"
    writes = sum(crowd.table.writes.values()) - before
    return (f"{name.value}, {window}", writes, report.met(writes == 0), f"{took:.0f}"), writes


def _served(terms: Plan, rate: int, seconds: int) -> Judged:
    served = Swarm(60).run(rate, seconds, terms.requests_per_minute, terms.requests_per_second)
    due = min(terms.requests_per_minute, served.made)
    passed = served.by_second.total()
    share = 100 * passed / due
    busiest = 100 * max(served.by_second.values()) / min(rate, terms.requests_per_second)
    row = (
        f"{terms.name.value}, {rate:,}",
        f"{served.made:,}",
        f"{passed:,}",
        f"{share:.1f}",
        report.met(_SERVED_PERCENT <= share <= 100 and busiest <= 100),
        f"{busiest:.1f}",
    )
    # More than all is as wrong as too little.
    return row, share if share <= 100 and busiest <= 100 else 0


def _hottest(terms: Plan) -> Judged:
    crowd, rate, seconds = Swarm(300), 10_000, 5
    served = crowd.run(rate, seconds, terms.requests_per_minute, terms.requests_per_second)
    writes = crowd.table.writes.total()
    row = (
        terms.name.value,
        rate_leases.slice_count(terms.requests_per_minute, terms.requests_per_second),
        crowd.hottest,
        report.met(crowd.hottest < _ITEM_WRITES),
        f"{writes:,}",
        f"{1_000 * writes / served.made:.0f}",
    )
    return row, crowd.hottest
