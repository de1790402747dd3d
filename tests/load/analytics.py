"""HUM's dashboard and reports beside a long history: requests and round trips with 1,000 and with 100,000 calls.

The calls are ten minutes apart, so that the longer history has two years. The first round trip is the session. Only a
report that begins or ends within a quarter of an hour reads single calls: those of that quarter.
"""

from __future__ import annotations

import json
from importlib import import_module
from unittest.mock import patch

from infra import topology
from infra.local import crowd
from infra.local.pool import Context
from switchboard.accounts.plans import PlanName
from switchboard.aws import clients
from switchboard.aws.dynamodb import encode_item
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.edge import rate_limit
from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.kit import clock, settings
from switchboard.people import sessions
from switchboard.team.permissions import Role
from tests import memory_cloud
from tests.actors import member, tenant
from tests.load import report
from tests.load.call_lists import CountedTables
from tests.load.dynamo import Counted
from tests.load.request import api_event
from tests.unit.analytics.written import PARTITION_UNITS, count_units

SIZES = (1_000, 100_000)
NOW = "2026-07-01T17:23:45.678Z"
_ODD = "start=2025-07-02T03:21:09.001Z&end=2026-07-01T11:55:01.500Z"
#: The requests, each with its target of round trips and requests.
ASKED = {
    "dashboard": ("hum/analytics", "/api/dashboard", (3, 6)),
    "30 days": ("hum/analytics", "/api/analytics", (3, 9)),
    "a year": ("hum/analytics", "/api/analytics?days=365", (3, 10)),
    "a year from an odd second to another": ("hum/analytics", f"/api/analytics?{_ODD}", (3, 11)),
    "a flow, 30 days": ("hum/flows", "/api/flows/*/analytics", (3, 6)),
    "a flow, a year": ("hum/flows", "/api/flows/*/analytics?days=365", (3, 6)),
}


def measure_reports(size: int) -> dict[str, Counted]:
    """Return the requests of each report in an organization with some number of calls."""
    with memory_cloud.use_memory_tables() as tables, clock.using(clock.FrozenClock(NOW)):
        acme = tenant(f"reports-{size}", PlanName.ENTERPRISE)
        admin = member(acme.org_id, Role.ADMIN)
        flow = flows.create_flow(admin, FlowSettings(name="Front desk"))
        for name, item in crowd.call_items(acme.org_id, size, max(10, size // 5), flow.id):
            tables.items[settings.table_name(name)].setdefault(item["pk"], {})[item["sk"]] = encode_item(item)
        cookie = str(sessions.open_session(admin.user, acme.org_id))
        counting = CountedTables(tables)
        with (
            patch.object(clients, "dynamodb_client", lambda: counting),
            patch.object(clients, "dynamodb_client_without_retries", lambda: counting),
        ):
            return {
                name: _count(group, target.replace("*", flow.id), cookie, counting)
                for name, (group, target, _) in ASKED.items()
            }


def _count(group: str, target: str, cookie: str, counting: CountedTables) -> Counted:
    handler = import_module(f"functions.{group.replace('/', '.')}.handler").handler
    for _ in range(2):
        rate_limit.reset_memory()
        counted = counting.counted = Counted()
        event = api_event("GET", target, {"cookie": f"{COOKIE}={cookie}"})
        answer = handler(event, Context(topology.function(group)))
        assert answer["statusCode"] == 200, answer["body"]
    found = json.loads(answer["body"])
    assert found.get("totals", found.get("stats")), "a report has figures"
    counting.counted = Counted()
    return counted


def measure() -> None:
    """Print the requests and the round trips of each report, and what an event writes."""
    few, many = (measure_reports(size) for size in SIZES)
    rows = []
    for name, (_, _, (trips, requests)) in ASKED.items():
        costs = (few[name].round_trips, len(few[name].requests), many[name].round_trips, len(many[name].requests))
        held = costs[2] <= trips and costs[3] <= requests
        rows.append((name, *costs, f"{trips} and {requests}", report.met(held)))
    report.table(
        f"Dashboard and reports with {SIZES[0]:,} and with {SIZES[1]:,} calls, the session included",
        ("report", "round trips", "requests", "round trips", "requests", "target", ""),
        rows,
    )
    _measure_writes()


def _measure_writes() -> None:
    rows = []
    for flows_number in (1, 10, 100, 500):
        units = count_units(flows_number)
        busiest = max(units.values())
        rows.append((flows_number, sum(units.values()), busiest, PARTITION_UNITS // busiest, report.met(busiest <= 12)))
    report.table(
        "Tallies that one event of a call adds to, in units of writing",
        ("flows with calls", "units", "units in one partition", "events a second", ""),
        rows,
    )
