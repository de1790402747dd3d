"""HUM's lists with a long history: requests, round trips, read units and time, for a small and a large organization;
and
the usage of HUM's other operations.

Over dynoxide, with the crowd of `make seed` in one organization and a hundredth of it in another. A page must cost the
same in both. Round trips are those of `dynamo`: the first reads the session, the person, the role and the organization.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

from functions.hum.account.handler import handler as account
from functions.hum.blocklist.handler import handler as blocklist
from functions.hum.contacts.handler import handler as contacts
from functions.hum.team.handler import handler as team_handler
from infra import topology
from infra.local.crowd import CALLS, CONTACTS, STRANGERS, past, people, writing
from infra.local.pool import Context
from switchboard.accounts.plans import PlanName
from switchboard.aws import secret
from switchboard.compliance import ledgers
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.edge import rate_limit
from switchboard.people import sessions
from switchboard.team.permissions import Role
from tests.actors import member, tenant
from tests.conftest import clear_caches
from tests.load import dynoxide, report, stub
from tests.load.dynamo import Counted, count_requests
from tests.load.request import api_event

#: The session, the requested or changed object, and one read beside it or the commit.
TARGET = 3
_ROUNDS, _DEEP = 20, 40
_SHARE = 100
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

#: The requests and their handlers. A `*` is the cursor of a page far down.
_LISTS: list[tuple[str, Handler, str]] = [
    ("contacts: first page", contacts, "/api/contacts"),
    ("contacts: a page far down", contacts, "/api/contacts?limit=5&cursor=*"),
    ("contacts: 100 a page", contacts, "/api/contacts?limit=100"),
    ("search: a name", contacts, "/api/contacts?q=lovelace"),
    ("search: the end of a number", contacts, "/api/contacts?q=0142"),
    ("search: a whole number", contacts, f"/api/contacts?q={quote('+1 (415) 555-0142')}"),
    ("search: one letter", contacts, "/api/contacts?q=a"),
    ("search: a word of the notes", contacts, "/api/contacts?q=penicillin"),
    ("search: no match", contacts, "/api/contacts?q=nobodyofthisname"),
    ("search: two words", contacts, "/api/contacts?q=ada%20lovelace"),
    ("search: two common words, no match", contacts, "/api/contacts?q=ada%20penicillinz"),
    ("blocklist", blocklist, "/api/blocklist"),
    ("team", team_handler, "/api/team"),
]
#: Other operations: their handlers, and the nth request of each.
_OTHERS: list[tuple[str, Handler, Callable[[int], tuple[str, str, Any]]]] = [
    ("me", account, lambda _: ("GET", "/api/me", None)),
    ("organization: read", account, lambda _: ("GET", "/api/orgs/current", None)),
    ("organization: change", account, lambda n: ("PATCH", "/api/orgs/current", {"name": f"Name {n}"})),
    ("invite", team_handler, lambda n: ("POST", "/api/team/invites", {"email": f"p{n}@example.com"})),
    (
        "contact: create",
        contacts,
        lambda n: ("POST", "/api/contacts", {"e164": people.list_numbers()[-n - 1], "role": "x"}),
    ),
    (
        "contact: change",
        contacts,
        lambda n: ("POST", "/api/contacts", {"e164": people.list_numbers()[0], "role": f"r{n}"}),
    ),
    ("block", blocklist, lambda n: ("POST", "/api/blocklist", {"e164": people.list_numbers()[-n - 1]})),
]


def measure() -> None:
    """Print the cost of a page of each list, and of other operations."""
    binary = dynoxide.binary()
    if binary is None:
        print("\nLists beside a long history: not measured, dynoxide cannot be had here.")
        return
    stub.drop_log()
    unlimited = {"SWITCHBOARD_PERSON_PER_MINUTE": "100000", "SWITCHBOARD_PERSON_PER_SECOND": "500"}
    with dynoxide.serve_tables(binary) as environ, patch.dict(os.environ, environ | unlimited):
        clear_caches()
        with patch.object(secret, "_root", lambda: b"load"):
            small, large = _filled(_SHARE), _filled(1)
            counting = count_requests()
            rows = [_row(name, handler, target, small, large, counting) for name, handler, target in _LISTS]
            others = [_other(name, handler, asked, small, counting) for name, handler, asked in _OTHERS]
        clear_caches()
    report.table(
        f"Lists with {CONTACTS // _SHARE:,} contacts and {CALLS // _SHARE:,} calls, and with"
        f" {CONTACTS:,} and {CALLS:,} (target: {TARGET} round trips)",
        (
            "list",
            "round trips",
            "target",
            "requests",
            "RCU",
            "ms",
            "round trips",
            "requests",
            "RCU",
            "ms",
            "time ratio",
        ),
        rows,
    )
    report.table(
        "Other operations of the console, without and with an Idempotency-Key: round trips and requests",
        ("operation", "round trips", "target", "requests", "with key", "requests"),
        others,
    )


def _other(
    name: str,
    handler: Handler,
    asked: Callable[[int], tuple[str, str, Any]],
    cookie: str,
    counting: list[Counted],
) -> tuple[object, ...]:
    seen = []
    for number, key in enumerate(("", "", "warms up", "counts")):
        counting.append(Counted())
        rate_limit.reset_memory()
        method, target, body = asked(number)
        _ask(handler, target, cookie, method, body, f"{name} {key}" if key and method != "GET" else "")
        seen.append(counting[-1])
    plain, keyed = seen[1], seen[3]
    counting.append(Counted())
    met = report.met(plain.round_trips <= TARGET)
    return name, plain.round_trips, met, len(plain.requests), keyed.round_trips, len(keyed.requests)


def _filled(share: int) -> str:
    """An organization with a part of the crowd. Returns a session's cookie."""
    org_id = tenant(f"crowd-{share}", PlanName.ENTERPRISE, requests_per_minute=10_000_000).org_id
    admin = member(org_id, Role.ADMIN, f"Admin{share}")
    started = time.monotonic()
    written = writing.write_items(people.contact_items(org_id, CONTACTS // share))
    holders = (CONTACTS + STRANGERS) // share
    of_calls = past.call_items(org_id, CALLS // share, holders)
    # No list here reads the table of the calls. Their numbers' histories count.
    written += writing.write_items((table, item) for table, item in of_calls if table == "core")
    for number in people.list_numbers()[: 10_000 // share]:
        ledgers.block_number(admin, number)
    print(f"filled an organization with {written:,} items in {time.monotonic() - started:.0f} s")
    return str(sessions.open_session(admin.user, org_id))


def _row(
    name: str, handler: Handler, target: str, small: str, large: str, counting: list[Counted]
) -> tuple[object, ...]:
    (little, little_ms), (much, much_ms) = (_page(handler, target, cookie, counting) for cookie in (small, large))
    return (
        name,
        little.round_trips,
        report.met(max(little.round_trips, much.round_trips) <= TARGET),
        *(len(little.requests), f"{little.read_units:g}", f"{little_ms:.1f}"),
        *(much.round_trips, len(much.requests), f"{much.read_units:g}", f"{much_ms:.1f}"),
        f"{much_ms / little_ms:.2f}",
    )


def _page(handler: Handler, target: str, cookie: str, counting: list[Counted]) -> tuple[Counted, float]:
    path = target.replace("*", _far_down(handler, target.partition("&")[0], cookie)) if "*" in target else target
    _ask(handler, path, cookie)
    counted, times = Counted(), []
    for _ in range(_ROUNDS):
        counted = Counted()
        counting.append(counted)
        rate_limit.reset_memory()
        started = time.perf_counter()
        _ask(handler, path, cookie)
        times.append((time.perf_counter() - started) * 1_000)
    counting.append(Counted())
    return counted, median(times)


def _far_down(handler: Handler, target: str, cookie: str) -> str:
    cursor = ""
    for _ in range(_DEEP - 1):
        cursor = _ask(handler, f"{target}&cursor={cursor}" if cursor else target, cookie)["next_cursor"]
    return cursor


def _ask(
    handler: Handler, target: str, cookie: str, method: str = "GET", body: Any = None, key: str = ""
) -> dict[str, Any]:
    headers = {"cookie": f"{COOKIE}={cookie}"} | ({"idempotency-key": key} if key else {})
    answer = handler(api_event(method, target, headers, body), Context(topology.function("hum/contacts")))
    assert answer["statusCode"] < 300, answer["body"]
    found: dict[str, Any] = json.loads(answer["body"])
    return found
