"""Flows, numbers and members for the tests of calls that members place."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from infra.local import pool
from switchboard.accounts import organizations
from switchboard.aws.writes import commit
from switchboard.calls import console
from switchboard.calls.console import OutboundRequest
from switchboard.calls.models import Call
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.flows import service as flows
from switchboard.flows.models import Flow, FlowSettings
from switchboard.kit import clock, ids
from switchboard.numbers import pricing
from switchboard.numbers import store as number_store
from switchboard.numbers.models import Number, NumberCapabilities
from switchboard.people import sessions
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.team.models import Member
from tests.actors import system
from tests.load.request import api_event

Ask = Callable[..., tuple[int, Any]]
#: Our number, and a person who may be called at any time because nobody has the number.
OURS, ADA = "+12125550100", "+14155550142"


def save_number(
    org_id: str, e164: str = OURS, *, voice: bool = True, mms: bool = False, provider: str = "simulator", **fields: Any
) -> Number:
    """Stores a number of an organization, which holds it as a registered one."""
    now = clock.now_iso()
    number = Number(
        id=ids.new_id("num"),
        org_id=org_id,
        sid=f"PN{e164[1:].zfill(32)}",
        e164=e164,
        friendly_name=e164,
        capabilities=NumberCapabilities(voice=voice, sms=True, mms=mms),
        monthly_cost_cents=100,
        provider=provider,
        created_at=now,
        updated_at=now,
        **fields,
    )
    hold = number_store.hold_write(e164, number_store.Holder(org_id, number.id), StaleVersionError)
    room = pricing.room_write(organizations.get_organization(org_id), 1)
    commit(number_store.new_number_writes(number), hold, room)
    return number


def save_flow(org_id: str, **settings: Any) -> Flow:
    """Creates an outbound flow. It shows `OURS` unless the settings say otherwise."""
    wanted = {"name": "Reminders", "kind": "outbound", "caller_id": OURS, **settings}
    return flows.create_flow(system(org_id), FlowSettings.model_validate(wanted))


def place(member: Member, flow: Flow, to: str = ADA, **fields: Any) -> Call:
    """Places a call of a flow."""
    return console.place_outbound_call(member, OutboundRequest(flow_id=flow.id, to=to, **fields))


def ask_as(member: Member, group: str = "hum/outbound") -> Ask:
    """Returns a function that sends requests of a member to a group."""
    cookie = sessions.open_session(member.user, member.org_id)

    def ask(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        sent = {"cookie": f"{COOKIE}={cookie}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = pool.invoke(group, api_event(method, path, sent, body))
        return answer["statusCode"], json.loads(answer["body"])

    return ask
