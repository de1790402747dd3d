"""HUM's calls out: the round trips, requests and write units of placing one call, without an Idempotency-Key.

On the local engine, as in `tests/load/dynamo.py`. The first round trip reads the session, the person, the role and the
organization. It is not one of the call's two: the flow, the number and the facts of the gate, and then the commit. The
second table says where the units go (`tests/load/capacity.py`).
"""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from functions.hum.outbound.handler import handler
from infra import topology
from infra.local.pool import Context
from switchboard.accounts.plans import PlanName
from switchboard.aws import clients
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.edge import rate_limit
from switchboard.flows.rules import TEXT_LIMITS
from switchboard.kit import clock
from switchboard.people import sessions
from switchboard.team.permissions import Role
from tests.actors import member, tenant
from tests.load import report, stub
from tests.load.capacity import Meter
from tests.load.dynamo import Counted, count_requests, running_tables
from tests.load.request import api_event
from tests.unit.calls.console_calls import save_flow, save_number

#: The dependent round trips after the session, and the write units.
TRIPS, UNITS = 2, 20
_GREETING = 300
_numbers = count(0)


def measure() -> None:
    """Print the cost of a call out."""
    stub.drop_log()
    with running_tables(), clock.using(clock.FrozenClock(clock.now_iso())):
        ada = member(tenant("outbound", PlanName.STARTER).org_id, Role.ADMIN)
        number = save_number(ada.org_id)
        flow = save_flow(ada.org_id, caller_id_number_id=number.id)
        cookie = str(sessions.open_session(ada.user, ada.org_id))
        counting = count_requests()
        bodies = {
            "the number of the request": {"flow_id": flow.id, "caller_id_number_id": number.id},
            "the number of the flow": {"flow_id": flow.id},
        }
        costs = {}
        for name, body in bodies.items():
            _place(cookie, body, counting)
            costs[name] = _place(cookie, body, counting)
        long = save_flow(ada.org_id, caller_id_number_id=number.id, system_prompt="p" * TEXT_LIMITS["system_prompt"])
        costs["a prompt of 40,000 characters"] = _place(cookie, {"flow_id": long.id}, counting)
        spoken = save_flow(ada.org_id, caller_id_number_id=number.id, greeting="g" * _GREETING)
        # The greeting makes the call larger than a write unit.
        costs[f"a greeting of {_GREETING} characters"] = _place(cookie, {"flow_id": spoken.id}, counting)
        meter = Meter(clients.get_client("dynamodb"))
        meter.listen()
        with meter.of("the call"):
            _place(cookie, bodies["the number of the flow"], counting)
        (units,) = meter.taken().values()
    report.table(
        f"Place a call out, without a key, after the session (targets: {TRIPS} round trips, {UNITS} WCU)",
        ("with", "round trips", "", "requests", "WCU", ""),
        [_row(name, cost) for name, cost in costs.items()],
    )
    report.table(
        "The same WCU by table or index, and kind of item",
        ("place", "WCU"),
        [(place, f"{amount:g}") for place, amount in units.places.most_common()],
    )


def _row(name: str, cost: Counted) -> tuple[object, ...]:
    trips = cost.round_trips - 1
    units = sum(request.write_units for request in cost.requests)
    return name, trips, report.met(trips <= TRIPS), len(cost.requests), f"{units:g}", report.met(units <= UNITS)


def _place(cookie: str, body: dict[str, Any], counting: list[Counted]) -> Counted:
    rate_limit.reset_memory()
    wanted = body | {"to": f"+1415555{next(_numbers) + 100:04d}"}
    counted = Counted()
    counting.append(counted)
    answer = handler(
        api_event("POST", "/api/outbound/calls", {"cookie": f"{COOKIE}={cookie}"}, wanted),
        Context(topology.function("hum/outbound")),
    )
    counting.append(Counted())
    assert answer["statusCode"] == 200, json.loads(answer["body"])
    return counted
