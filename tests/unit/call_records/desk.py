"""Calls, members and requests for the tests of the console of calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from infra.local import pool
from switchboard.aws.writes import commit
from switchboard.calls import store
from switchboard.calls.models import Call, Order, State, Tier
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.kit import clock, ids
from switchboard.people import sessions
from switchboard.projections import service as projections
from switchboard.team.models import Member
from tests.actors import system
from tests.load.request import api_event

Ask = Callable[..., tuple[int, Any]]

OURS, ADA, BOB = "+12125550100", "+14155550142", "+442079460018"


def save_call(org_id: str, other: str = ADA, *, listed: bool = True, **fields: Any) -> Call:
    """Store a call with its event. A call that is not `listed` waits for the worker of the projections."""
    direction = fields.pop("direction", "OUTBOUND")
    numbers = {"from_number": OURS, "to_number": other}
    if direction == "INBOUND":
        numbers = {"from_number": other, "to_number": OURS}
    now = clock.now_iso()
    facts = {"order": Order(to=numbers["to_number"], tier=Tier.BASIC), "provider": "simulator", **numbers, **fields}
    call = Call(
        id=ids.new_id("call"),
        org_id=org_id,
        source="anima",
        direction=direction,
        tier=Tier.BASIC,
        voice_id="voice",
        greeting="Hello",
        correlation_id="corr_test",
        created_at=now,
        updated_at=now,
        **{"state": State.COMPLETED, **facts},
    )
    commit(store.CALLS.create_write(call))
    if listed:
        list_call(call)
    return call


def list_call(call: Call) -> None:
    """Do what the worker of the projections does for a new call and its summary."""
    for kind, data in (("voice.call.created", {}), ("voice.call.analyzed", {"outcome": "success"})):
        event = events.Event(
            id=ids.new_id("evt"),
            at=clock.now_iso(),
            type=kind,
            subject=Subject(type="call", id=call.id),
            data=data,
            **system(call.org_id).model_dump(),
        )
        projections.project_event(event)


def ask_as(member: Member, group: str = "hum/calls") -> Ask:
    """Return a function that sends a member's requests to a group of functions."""
    cookie = sessions.open_session(member.user, member.org_id)

    def ask(method: str, target: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        sent = {"cookie": f"{COOKIE}={cookie}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = pool.invoke(group, api_event(method, f"/api{target}", sent, body))
        return answer["statusCode"], json.loads(answer["body"])

    return ask


def list_ids(ask: Ask, query: str = "", limit: int = 50, things: str = "calls") -> list[str]:
    """Return the ids of all things of a list, page by page."""
    found: list[str] = []
    cursor = ""
    while True:
        status, page = ask("GET", f"/{things}?limit={limit}&{query}{cursor}")
        assert status == 200, page
        found += [thing["id"] for thing in page[things]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"
