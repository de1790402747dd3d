"""HUM's lists of calls beside a long history: requests and round trips with 1,000 and with 100,000 calls.

The tables are in memory, and each request waits, so that requests at the same time are one round trip. A page must cost
the same in both organizations. The first round trip reads the session, the person, the role and the organization.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

from functions.hum.calls.handler import handler
from infra import topology
from infra.local.crowd import past
from infra.local.pool import Context
from switchboard.accounts.plans import PlanName
from switchboard.aws import clients
from switchboard.aws.dynamodb import encode_item
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.edge import rate_limit
from switchboard.kit import settings
from switchboard.people import sessions
from switchboard.team.permissions import Role
from tests import memory_cloud
from tests.actors import member, tenant
from tests.load import report
from tests.load.dynamo import Counted, Request
from tests.load.request import api_event

SIZES = (1_000, 100_000)
#: The round trips of a page, its session included, and its requests.
_PAGE = (3, 6)
#: A search reads its indexes first, and then the list of each number that it found.
_SEARCH = (4, 8)
#: The session, the read state, the counts, and the write.
_MARK = (4, 4)
_WAIT_SECONDS = 0.003
_DEEP = 20
#: The requests. A `*` is the cursor of a page far down.
ASKED = {
    "first page": ("GET", "/api/calls", _PAGE),
    "a page far down": ("GET", "/api/calls?limit=5&cursor=*", _PAGE),
    "of a direction and a status": ("GET", "/api/calls?direction=outbound&status=busy", _PAGE),
    "since a day": ("GET", "/api/calls?since=2026-01-01T00:00:00Z", _PAGE),
    "unread": ("GET", "/api/calls?read=unread", _PAGE),
    "unread, far down": ("GET", "/api/calls?read=unread&limit=5&cursor=*", _PAGE),
    "a whole number": ("GET", f"/api/calls?q={quote('+1 (415) 555-0100')}", _SEARCH),
    "a name that nobody has": ("GET", "/api/calls?q=nobodyofthisname", _SEARCH),
    "tags": ("GET", "/api/tags", _PAGE),
    "unread counts": ("GET", "/api/unread-counts", _PAGE),
    "mark all as read": ("POST", "/api/calls/mark-all-read", _MARK),
    "unread, all read": ("GET", "/api/calls?read=unread", _PAGE),
}


class CountedTables:
    """The tables in memory, with a counted wait for each request."""

    def __init__(self, tables: memory_cloud.Tables) -> None:
        self._tables, self._one = tables, threading.Lock()
        self.counted = Counted()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = getattr(self._tables, name)

        def ask(**parameters: Any) -> Any:
            started = time.monotonic()
            time.sleep(_WAIT_SECONDS)
            with self._one:
                answer = operation(**parameters)
                # The counting of requests for the rate limit waits for nobody.
                if "ratelimit" not in str(parameters.get("TableName", "")):
                    self.counted.requests.append(Request(started, time.monotonic(), 0, 0))
            return answer

        return ask


def measure_lists(size: int) -> dict[str, Counted]:
    """Return the requests of each list in an organization with some number of calls."""
    unlimited = {"SWITCHBOARD_PERSON_PER_MINUTE": "100000", "SWITCHBOARD_PERSON_PER_SECOND": "5000"}
    with memory_cloud.use_memory_tables() as tables, patch.dict(os.environ, unlimited):
        org_id = tenant(f"calls-{size}", PlanName.ENTERPRISE, requests_per_minute=10_000_000).org_id
        admin = member(org_id, Role.ADMIN)
        for name, item in past.call_items(org_id, size, max(10, size // 5)):
            tables.items[settings.table_name(name)].setdefault(item["pk"], {})[item["sk"]] = encode_item(item)
        cookie = str(sessions.open_session(admin.user, org_id))
        counting = CountedTables(tables)
        with (
            patch.object(clients, "dynamodb_client", lambda: counting),
            patch.object(clients, "dynamodb_client_without_retries", lambda: counting),
        ):
            return {name: _count(method, target, cookie, counting) for name, (method, target, _) in ASKED.items()}


def _count(method: str, target: str, cookie: str, counting: CountedTables) -> Counted:
    path, cursor = target, ""
    if "*" in target:
        start = target.partition("&cursor")[0]
        for _ in range(_DEEP):
            cursor = str(_ask("GET", f"{start}&cursor={cursor}" if cursor else start, cookie)["next_cursor"])
        path = target.replace("*", cursor)
    if method == "GET":
        _ask(method, path, cookie)
    counted = counting.counted = Counted()
    _ask(method, path, cookie)
    counting.counted = Counted()
    return counted


def _ask(method: str, target: str, cookie: str) -> dict[str, Any]:
    rate_limit.reset_memory()
    event = api_event(method, target, {"cookie": f"{COOKIE}={cookie}"})
    answer = handler(event, Context(topology.function("hum/calls")))
    assert answer["statusCode"] == 200, answer["body"]
    found: dict[str, Any] = json.loads(answer["body"])
    return found


def measure() -> None:
    """Print the requests and the round trips of each list."""
    few, many = (measure_lists(size) for size in SIZES)
    rows = []
    for name, (_, _, (trips, requests)) in ASKED.items():
        costs = (few[name].round_trips, len(few[name].requests), many[name].round_trips, len(many[name].requests))
        held = costs[2] <= trips and costs[3] <= requests
        rows.append((name, *costs, f"{trips} and {requests}", report.met(held)))
    report.table(
        f"Lists of calls with {SIZES[0]:,} and with {SIZES[1]:,} calls, the session included",
        ("list", "round trips", "requests", "round trips", "requests", "target", ""),
        rows,
    )
