"""The organization of the crowd: its three people with different read states, its flows and its numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from infra.local import identity
from infra.local.crowd import year
from infra.local.crowd.past import Line
from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import commit
from switchboard.calls import lookup
from switchboard.calls.inbox import INBOX
from switchboard.carriers.numbers.ports.inventory import NumberSearch
from switchboard.events.models import Actor, SystemActor
from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.inbox import service as inboxes
from switchboard.inbox.models import InboxThing
from switchboard.kit import clock, ids, settings
from switchboard.numbers import available, purchases
from switchboard.numbers.purchases import NumberOrder
from switchboard.people import service as people
from switchboard.people.models import User
from switchboard.team import members
from switchboard.team.permissions import Role

#: The address and the role of each member. They sign in at the local OpenID provider.
MEMBERS = (
    ("olivia@crowd.example", Role.ADMIN),
    ("oscar@crowd.example", Role.OPERATOR),
    ("vera@crowd.example", Role.VIEWER),
)
#: The flows that answer, and the numbers that each of them has.
_ANSWERING = (("Front desk", 2), ("Billing", 1), ("Pharmacy", 1))
#: The calls that the admin keeps as unread, those that the operator looks at, and how long the operator was away.
_KEPT_UNREAD, _LOOKED_AT, _AWAY = 3, 40, timedelta(days=7)


class Team(NamedTuple):
    """An organization, its members in the order of `MEMBERS`, and its lines."""

    org: Organization
    users: list[User]
    lines: list[Line]


def create_team() -> Team:
    """Create an organization with its people, flows and numbers."""
    org = organizations.new_organization("Crowd", "crowd", PlanName.SCALE)
    org = org.model_copy(update={"timezone": year.ZONE})
    origin = SystemActor(
        org_id=org.id, actor=Actor(type="system", id="seed"), agent_id=None, correlation_id=ids.new_id("corr")
    )
    users = [_upsert_user(address) for address, _ in MEMBERS]
    commit(organizations.organization_writes(origin, org))
    for user, (_, role) in zip(users, MEMBERS, strict=True):
        commit(members.membership_writes(origin, user, role))
    return Team(org, users, _create_lines(origin))


def _upsert_user(address: str) -> User:
    name = address.partition("@")[0].title()
    issuer = settings.text("OIDC_ISSUER")
    return people.upsert_user(issuer, identity.subject(address), address, email_verified=True, name=name)


def _create_lines(origin: SystemActor) -> list[Line]:
    caller = flows.create_flow(
        origin,
        FlowSettings(
            name="Reminders",
            kind="outbound",
            greeting="Hello {{customer_name}}, this is Lakeside Clinic about your appointment.",
            consent_source="business-relationship",
            consent_date=clock.now_iso()[:10],
        ),
    )
    lines: list[Line] = []
    for name, how_many in _ANSWERING:
        flow = flows.create_flow(origin, FlowSettings(name=name, greeting="Lakeside Clinic, how can I help you?"))
        for offered in available.search_available_numbers(NumberSearch(limit=how_many)):
            order = NumberOrder(offered.number.e164, f"{name} {len(lines) + 1}", flow.id)
            number = purchases.buy_number(origin, order)
            lines.append(Line(number.e164, number.id, flow.id, caller.id))
    return lines


def set_read_states(team: Team) -> None:
    """The admin has read all but three calls, the operator all that are older than a week, and the viewer nothing."""
    org_id = team.org.id
    admin, operator, _ = (user.id for user in team.users)
    places = lookup.list_places(org_id, None, (), _LOOKED_AT, None, None)
    newest = [InboxThing(*_time_and_id(place), hint=place.split("#", 2)[2]) for place in places]
    inboxes.mark_all_read(org_id, INBOX, admin)
    for thing in newest[:_KEPT_UNREAD]:
        inboxes.set_read(org_id, INBOX, admin, thing, read=False)
    with clock.using(clock.FrozenClock(clock.format_iso(clock.now() - _AWAY))):
        inboxes.mark_all_read(org_id, INBOX, operator)
    for thing in newest[::3]:
        inboxes.set_read(org_id, INBOX, operator, thing, read=True)


def _time_and_id(place: str) -> tuple[str, str]:
    created_at, id_, *_ = place.split("#")
    return id_, created_at
