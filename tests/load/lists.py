"""HUM's lists, details, counts and reports beside a year of calls: their requests and round trips.

They are measured with 1,000 and with 100,000 calls. The tables are in memory, with the crowd of `make seed`. A page
must cost the same in both organizations. The first round trip reads the session, the person, the role and the
organization, and it counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple
from unittest.mock import patch
from urllib.parse import quote

from infra import topology
from infra.local.crowd import past, people
from infra.local.crowd.past import Line
from infra.local.pool import Context
from switchboard.accounts.plans import PlanName
from switchboard.aws import clients, objects
from switchboard.aws.dynamodb import Item, encode_item
from switchboard.aws.writes import commit
from switchboard.calls.bulk import BulkCall
from switchboard.compliance import ledgers
from switchboard.contacts import service as contacts
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.edge import rate_limit
from switchboard.flows import changes
from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.kit import clock, settings
from switchboard.numbers import store as numbers
from switchboard.numbers.models import Number
from switchboard.people import sessions
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests import memory_cloud
from tests.actors import member, tenant
from tests.load import campaign_crowd, conversation_crowd, report
from tests.load.counted_tables import CountedTables
from tests.load.dynamo import Counted
from tests.load.request import api_event

SIZES = (1_000, 100_000)
_NOW = "2026-07-01T17:23:45.678Z"
_ODD = "start=2025-07-02T03:21:09.001Z&end=2026-07-01T11:55:01.500Z"
_DEEP, _RUNS = 15, 3
_BLOCKED, _VERSIONS, _PEOPLE = 120, 8, 12


class Cost(NamedTuple):
    """The largest number of round trips and of requests."""

    round_trips: int
    requests: int


#: A page of any list or search, and the dashboard. The details keep it, too.
PAGE = Cost(3, 6)
#: A miss, and why: docs/decisions/0021-requests-of-large-pages.md. The things, the flags or opt-outs, and the contacts
#: of 200 rows are read 100 at a time, all at once.
LARGE_PAGE = Cost(3, 10)
#: A miss, and why: the same page. A name leads to numbers, and each number to its calls, before the calls themselves
#: are read. Up to sixteen numbers take a request each. If more numbers have the name, the newest calls are looked
#: through instead.
RARE_NAME, NAME = Cost(4, 6), Cost(5, 22)
#: The read state comes with the session.
MARK, COUNTS = Cost(3, 3), Cost(2, 2)


class Ask(NamedTuple):
    """A request and its limit. `*` in the target is the cursor of a page far down, and a name in braces an id."""

    group: str
    target: str
    limit: Cost = PAGE
    method: str = "GET"


_CALLS, _TEXTS, _TALKS = "hum/calls", "hum/conversations", "/api/sms/conversations"
ASKED = {
    "calls": Ask(_CALLS, "/api/calls"),
    "calls: far down": Ask(_CALLS, "/api/calls?limit=5&cursor=*"),
    "calls: 200 a page": Ask(_CALLS, "/api/calls?limit=200", LARGE_PAGE),
    "calls: inbound": Ask(_CALLS, "/api/calls?direction=inbound"),
    "calls: outbound and busy": Ask(_CALLS, "/api/calls?direction=outbound&status=busy"),
    "calls: queued": Ask(_CALLS, "/api/calls?status=queued"),
    "calls: ringing": Ask(_CALLS, "/api/calls?status=ringing"),
    "calls: in progress": Ask(_CALLS, "/api/calls?status=in-progress"),
    "calls: completed": Ask(_CALLS, "/api/calls?status=completed"),
    "calls: completed, far down": Ask(_CALLS, "/api/calls?status=completed&limit=5&cursor=*"),
    "calls: failed": Ask(_CALLS, "/api/calls?status=failed"),
    "calls: no answer": Ask(_CALLS, "/api/calls?status=no-answer"),
    "calls: canceled": Ask(_CALLS, "/api/calls?status=canceled"),
    "calls: since a day": Ask(_CALLS, "/api/calls?since=2026-01-01T00:00:00Z"),
    "calls: until a day": Ask(_CALLS, "/api/calls?until=2026-06-01T00:00:00Z"),
    "calls: with a tag": Ask(_CALLS, "/api/calls?tag=billing"),
    "calls: with a tag, far down": Ask(_CALLS, "/api/calls?tag=billing&limit=1&cursor=*"),
    "calls: unread": Ask(_CALLS, "/api/calls?read=unread"),
    "calls: unread, far down": Ask(_CALLS, "/api/calls?read=unread&limit=5&cursor=*"),
    "calls: unread and completed": Ask(_CALLS, "/api/calls?read=unread&status=completed"),
    "calls: search for a whole number": Ask(_CALLS, f"/api/calls?q={quote('+1 (415) 555-0100')}"),
    "calls: search for a rare name": Ask(_CALLS, "/api/calls?q=zuse", RARE_NAME),
    "calls: search for a common name": Ask(_CALLS, "/api/calls?q=kierkegaard", NAME),
    "calls: search for a word of some summaries": Ask(_CALLS, "/api/calls?q=daughter"),
    "calls: search for a word of all summaries": Ask(_CALLS, "/api/calls?q=caller"),
    "calls: search for a word, far down": Ask(_CALLS, "/api/calls?q=caller&limit=1&cursor=*"),
    "calls: search without a match": Ask(_CALLS, "/api/calls?q=nobodyofthisname"),
    "a call with its talk": Ask(_CALLS, "/api/calls/{talk}"),
    "notes of a call": Ask(_CALLS, "/api/calls/{noted}/notes"),
    "tags of a call": Ask(_CALLS, "/api/calls/{tagged}/tags"),
    "tags": Ask(_CALLS, "/api/tags"),
    "unread counts": Ask(_CALLS, "/api/unread-counts", COUNTS),
    "mark all calls as read": Ask(_CALLS, "/api/calls/mark-all-read", MARK, "POST"),
    "calls: unread, all read": Ask(_CALLS, "/api/calls?read=unread"),
    "voicemails": Ask("hum/voicemails", "/api/voicemails"),
    "voicemails: far down": Ask("hum/voicemails", "/api/voicemails?limit=2&cursor=*"),
    "voicemails: heard": Ask("hum/voicemails", "/api/voicemails?filter=heard"),
    "voicemails: unheard": Ask("hum/voicemails", "/api/voicemails?filter=unheard"),
    "voicemails: unread": Ask("hum/voicemails", "/api/voicemails?filter=unread"),
    "a voicemail with its timeline": Ask("hum/voicemails", "/api/voicemails/{voicemail}"),
    "mark all voicemails as read": Ask("hum/voicemails", "/api/voicemails/mark-all-read", MARK, "POST"),
    "conversations": Ask(_TEXTS, _TALKS),
    "conversations: far down": Ask(_TEXTS, f"{_TALKS}?limit=5&cursor=*"),
    "conversations: 200 a page": Ask(_TEXTS, f"{_TALKS}?limit=200", LARGE_PAGE),
    "conversations: open": Ask(_TEXTS, f"{_TALKS}?status=open"),
    "conversations: of a member": Ask(_TEXTS, f"{_TALKS}?assigned_user_id={{user}}"),
    "conversations: of a number": Ask(_TEXTS, f"{_TALKS}?twilio_number_id={{number}}"),
    "conversations: all filters, far down": Ask(
        _TEXTS, f"{_TALKS}?status=closed&assigned_user_id={{user}}&twilio_number_id={{number}}&limit=1&cursor=*"
    ),
    "conversations: search for a whole number": Ask(_TEXTS, f"{_TALKS}?q={quote('+1 628-200-0042')}"),
    "conversations: search for the beginning of a number": Ask(_TEXTS, f"{_TALKS}?q=1628"),
    "conversations: search for a common word": Ask(_TEXTS, f"{_TALKS}?q={conversation_crowd.COMMON}"),
    "conversations: search for two words": Ask(
        _TEXTS, f"{_TALKS}?q={conversation_crowd.COMMON}%20{conversation_crowd.RARE}"
    ),
    "a conversation": Ask(_TEXTS, f"{_TALKS}/{{conversation}}"),
    "texts of a conversation": Ask(_TEXTS, f"{_TALKS}/{{conversation}}/messages"),
    "activity of a conversation": Ask(_TEXTS, f"{_TALKS}/{{conversation}}/activity"),
    "campaigns: 200 a page": Ask("hum/campaigns", "/api/sms/campaigns"),
    "campaigns: far down": Ask("hum/campaigns", "/api/sms/campaigns?limit=5&cursor=*"),
    "contacts": Ask("hum/contacts", "/api/contacts"),
    "contacts: far down": Ask("hum/contacts", "/api/contacts?limit=5&cursor=*"),
    "contacts: 100 a page": Ask("hum/contacts", "/api/contacts?limit=100"),
    "contacts: search for a name": Ask("hum/contacts", "/api/contacts?q=lovelace"),
    "contacts: search for two words": Ask("hum/contacts", "/api/contacts?q=ada%20lovelace"),
    "contacts: search for a number": Ask("hum/contacts", "/api/contacts?q=0142"),
    "blocklist": Ask("hum/blocklist", "/api/blocklist"),
    "team": Ask("hum/team", "/api/team"),
    "flows": Ask("hum/flows", "/api/flows"),
    "a flow": Ask("hum/flows", "/api/flows/{flow}"),
    "versions of a flow": Ask("hum/flows", "/api/flows/{flow}/versions"),
    "a version of a flow": Ask("hum/flows", "/api/flows/{flow}/versions/2"),
    "numbers": Ask("hum/numbers", "/api/numbers"),
    "dashboard": Ask("hum/analytics", "/api/dashboard"),
    "report of 30 days": Ask("hum/analytics", "/api/analytics"),
    "report of a year": Ask("hum/analytics", "/api/analytics?days=365"),
    "report from an odd second to another": Ask("hum/analytics", f"/api/analytics?{_ODD}"),
    "report of a flow, 30 days": Ask("hum/flows", "/api/flows/{flow}/analytics"),
    "report of a flow, a year": Ask("hum/flows", "/api/flows/{flow}/analytics?days=365"),
}


class Desk(NamedTuple):
    """A filled organization: a session of its admin, the ids that the requests name, and the counting of requests."""

    cookie: str
    ids: dict[str, str]
    counting: CountedTables


def measure_lists(size: int) -> dict[str, Counted]:
    """Return the requests of each operation in an organization with some number of calls."""
    with fill_desk(size) as desk:
        return {name: _count(asked, desk) for name, asked in ASKED.items()}


@contextmanager
def fill_desk(size: int) -> Iterator[Desk]:
    """An organization with some number of calls of the last year."""
    unlimited = {"SWITCHBOARD_PERSON_PER_MINUTE": "1000000", "SWITCHBOARD_PERSON_PER_SECOND": "50000"}
    with (
        memory_cloud.use_memory_tables() as tables,
        patch.dict(os.environ, unlimited),
        clock.using(clock.FrozenClock(_NOW)),
    ):
        acme = tenant(f"lists-{size}", PlanName.ENTERPRISE, requests_per_minute=10_000_000)
        admin = member(acme.org_id, Role.ADMIN)
        lines = _make_lines(admin)
        holders = max(20, size // 4)
        made = list(past.make_calls(acme.org_id, size, holders, lines, (admin.user_id, "Ada")))
        items = list(past.items_of_calls(acme.org_id, made, (admin.user_id, "Ada")))
        numbers_of_texts = [(str(line.number_id), line.e164) for line in lines]
        talks = list(conversation_crowd.make_conversations(acme.org_id, size, numbers_of_texts, admin.user_id))
        of_texts = conversation_crowd.conversation_items(talks)
        campaigns = campaign_crowd.campaign_items(acme.org_id, size // 4 * 3, numbers_of_texts[0], admin.user_id)
        for name, item in (*people.contact_items(acme.org_id, holders * 4 // 5), *items, *of_texts, *campaigns):
            tables.items[settings.table_name(name)].setdefault(item["pk"], {})[item["sk"]] = encode_item(item)
        for number in people.list_numbers()[-_BLOCKED:]:
            ledgers.block_number(admin, number)
        contacts.upsert_contact(admin, made[-1].call.person_number, {"display_name": "Konrad Zuse"})
        for place in range(_PEOPLE):
            member(acme.org_id, Role.VIEWER, f"Viewer{place}")
        counting = CountedTables(tables)
        with (
            patch.object(clients, "dynamodb_client", lambda: counting),
            patch.object(clients, "dynamodb_client_without_retries", lambda: counting),
            # A link is signed without a request.
            patch.object(objects, "sign_download_link", lambda *_: "https://recordings.example/1"),
        ):
            ids = {"conversation": talks[0].id, "number": str(lines[0].number_id), "user": admin.user_id}
            cookie = str(sessions.open_session(admin.user, acme.org_id))
            yield Desk(cookie, _ids(made, items, lines) | ids, counting)


def _make_lines(admin: Member) -> list[Line]:
    caller = flows.create_flow(admin, FlowSettings(name="Reminders", kind="outbound"))
    flow = flows.create_flow(admin, FlowSettings(name="Front desk"))
    for number in range(_VERSIONS):
        changes.update_flow(admin, flow.id, {"greeting": f"Hello {number}."})
    lines = []
    for last in range(4):
        number_id, e164 = f"num_{last:026}", f"+1415555010{last}"
        bought = Number(
            id=number_id,
            org_id=admin.org_id,
            sid=f"PN{last:032}",
            e164=e164,
            friendly_name=e164,
            flow_id=flow.id,
            monthly_cost_cents=200,
            provider="simulator",
            created_at=_NOW,
            updated_at=_NOW,
        )
        commit(numbers.new_number_writes(bought))
        lines.append(Line(e164, number_id, flow.id, caller.id))
    return lines


def _ids(made: list[BulkCall], items: list[tuple[str, Item]], lines: list[Line]) -> dict[str, str]:
    return {
        "talk": next(one.call.id for one in reversed(made) if one.turns),
        "noted": next(one.call.id for one in reversed(made) if one.notes),
        "tagged": next(one.call.id for one in reversed(made) if one.call.tags),
        "voicemail": next(str(item["id"]) for _, item in items if item["sk"] == "voicemail"),
        "flow": str(lines[0].answering_flow),
    }


def _count(asked: Ask, desk: Desk) -> Counted:
    target = asked.target.format(**desk.ids)
    if "*" in target:
        start, cursor = target.partition("&cursor")[0], ""
        for _ in range(_DEEP):
            found = _ask(asked, f"{start}&cursor={cursor}" if cursor else start, desk)["next_cursor"]
            # A small organization has fewer pages.
            cursor = str(found) if found else cursor
        target = target.replace("*", cursor)
    runs = []
    for _ in range(_RUNS):
        runs.append(Counted())
        desk.counting.counted = runs[-1]
        _ask(asked, target, desk)
    desk.counting.counted = Counted()
    # On a busy machine a thread may start late, so that parallel requests look like round trips.
    return min(runs, key=lambda run: run.round_trips)


def _ask(asked: Ask, target: str, desk: Desk) -> dict[str, Any]:
    rate_limit.reset_memory()
    handler = import_module(f"functions.{asked.group.replace('/', '.')}.handler").handler
    event = api_event(asked.method, target, {"cookie": f"{COOKIE}={desk.cookie}"})
    answer = handler(event, Context(topology.function(asked.group)))
    assert answer["statusCode"] == 200, f"{target}: {answer['body']}"
    found: dict[str, Any] = json.loads(answer["body"])
    return found


def measure() -> None:
    """Print the requests and the round trips of each operation. An exceeded limit fails the run."""
    few, many = (measure_lists(size) for size in SIZES)
    rows = []
    for name, (_, _, limit, _) in ASKED.items():
        costs = [Cost(found[name].round_trips, len(found[name].requests)) for found in (few, many)]
        held = all(cost.round_trips <= limit.round_trips and cost.requests <= limit.requests for cost in costs)
        figures = (*costs[0], *costs[1], f"{limit.round_trips} and {limit.requests}")
        rows.append((name, *figures, report.require(f"{name}: round trips and requests", holds=held)))
    report.table(
        f"HUM with {SIZES[0]:,} and with {SIZES[1]:,} calls of a year, the session included",
        ("operation", "round trips", "requests", "round trips", "requests", "limit", ""),
        rows,
    )
