"""A successful request for every operation of the four documents, by an organization with high limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from infra import openapi
from switchboard.accounts import keys
from switchboard.accounts.models import KeyKind
from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import commit
from switchboard.team.permissions import Role
from tests.actors import Tenant, system, tenant
from tests.contract import asks, console, world
from tests.contract.console import Console
from tests.contract.spec import Spec
from tests.contract.world import Ask, Organization
from tests.unit.opticomm.backend import NOBODY, make_flow, make_key
from tests.unit.opticomm.backend import PATH as OPTICOMM

#: The documents by the name of their API.
SPECS = {name: Spec.read(openapi.FOLDER / f"{name}.json") for name in openapi.DESCRIPTIONS}
_ATHOS = "/api/external/v1"
#: Figures that no run of tests reaches.
PLENTY = dict.fromkeys(
    (
        *("requests_per_minute", "requests_per_second", "agents", "emails_per_month", "text_segments_per_month"),
        *("basic_calls_per_day", "premium_calls_per_day", "concurrent_calls", "calls_per_second"),
        *("roleplays_per_month", "voice_minutes_per_month", "numbers"),
    ),
    1_000_000,
)


@dataclass
class Everyone:
    """One organization, with a caller for each API. Its services must run in this process."""

    http: httpx.Client
    company: Tenant
    anima: Organization
    hum: Console
    opticomm_key: str
    opticomm_flow: str
    athos_key: str
    _scored: str = field(default="", init=False)

    def ask(self, api: str, operation_id: str) -> Ask:
        """A request of an operation that succeeds, with its credentials and with objects of its own."""
        return ASKS[api][operation_id](self)

    def scored_call(self) -> str:
        """The id of a roleplay call with its score. One is enough, because no operation changes it."""
        if not self._scored:
            made = redeem(self, "rep_good").send(self.http).json()
            call = Ask("GET", f"{_ATHOS}/calls/{made['callId']}", headers=self.tenant)
            world.wait_for_status(partial(call.send, self.http), 200, seconds=60)
            self._scored = made["callId"]
        return self._scored

    @property
    def tenant(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.athos_key}"}


def open_company(
    http: httpx.Client,
    post: Callable[[bytes, str], Any],
    deliver: Callable[[str, str], Any] | None = None,
) -> Everyone:
    """Create the organization. `post` delivers a mail to an address of the platform.

    `deliver` makes the first attempt of an organization's delivery. Without it, the workers of the stack make it.
    """
    made = tenant(world.unique_name(), PlanName.SCALE, **PLENTY)
    athos, writes = keys.key_writes(system(made.org_id), KeyKind.ATHOS, "tenant key")
    commit(writes)
    return Everyone(
        http=http,
        company=made,
        anima=Organization(
            *(http, made.org_id, made.agent_id, made.agent_key, made.master_key),
            post=post,
            deliver=deliver and partial(deliver, made.org_id),
        ),
        hum=Console(http, made.org_id, **{role.value: console.join(http, made.org_id, role) for role in Role}),
        opticomm_key=make_key(made.org_id, KeyKind.OPTICOMM_TEST, requests_per_minute=PLENTY["requests_per_minute"])[1],
        opticomm_flow=make_flow(made.org_id).id,
        athos_key=athos.text,
    )


def mint(every: Everyone, user: str) -> Ask:
    """A request for a session token of a person who practices."""
    return Ask("POST", f"{_ATHOS}/session", {"externalUserId": user}, headers=every.tenant)


def redeem(every: Everyone, user: str) -> Ask:
    """A request that redeems a new token."""
    token = mint(every, user).send(every.http).json()["token"]
    drill = {"drillKey": "fe-objection-handling", "difficulty": "Beginner"}
    return Ask("POST", f"{_ATHOS}/roleplay/session", drill, headers={"Authorization": f"Bearer {token}"})


def _initiate(every: Everyone) -> Ask:
    body = {"action": "initiate_call", "agent_id": every.opticomm_flow, "phone_number": NOBODY}
    return Ask("POST", OPTICOMM, body, headers={"X-API-Key": every.opticomm_key})


def _with_session(operation_id: str, every: Everyone) -> Ask:
    # Some operations move the session to another organization.
    person = every.hum.another(Role.ADMIN) if operation_id in (*asks.OWN, *asks.MOVING) else every.hum.admin
    ask = asks.ask_for(operation_id, every.hum, person)
    return ask.with_headers(**person.headers)


ASKS: dict[str, dict[str, Callable[[Everyone], Ask]]] = {
    "anima": {name: lambda every, make=make: make(every.anima) for name, make in world.GOOD.items()},
    "opticomm": {"externalApiAction": _initiate},
    "athos": {
        "mintSession": lambda every: mint(every, "rep_good"),
        "redeemSession": lambda every: redeem(every, "rep_good"),
        "listCalls": lambda every: Ask(
            "GET", f"{_ATHOS}/calls", query={"from": "2026-01-01T00:00:00Z"}, headers=every.tenant
        ),
        "getCall": lambda every: Ask("GET", f"{_ATHOS}/calls/{every.scored_call()}", headers=every.tenant),
    },
    "hum": {
        **{name: partial(_with_session, name) for name in (*asks.GOOD, *asks.OWN)},
        **{name: lambda every, make=make: make(every.hum) for name, make in asks.PUBLIC.items()},
    },
}
