"""HUM: `/api/health`, `/api/me`, `/api/orgs*`, `/api/session/*`, and the answer to what is at no path of any API."""

from __future__ import annotations

from typing import Any

from functions.hum.account.schemas import Me, Organization, OrganizationInput, Switch
from switchboard.access import sessions
from switchboard.accounts import service as accounts
from switchboard.accounts.plans import PlanName
from switchboard.aws import clock, settings
from switchboard.aws.table import Writes
from switchboard.edge import cookies
from switchboard.edge.api import Api
from switchboard.edge.dialects.hum import Hum
from switchboard.people import service as people
from switchboard.team import service as team
from switchboard.team.permissions import Permission

api = Api(
    Hum(),
    "account",
    tags={
        "System": "Whether the service is up.",
        "User": "Who is signed in, and where.",
        "Organizations": "The organisation and its profile.",
    },
)


@api.get("/api/health", summary="Tell that the service is up", operation_id="getHealth", tag="System", public=True)
def health() -> dict[str, Any]:
    return {"ok": True, "stage": settings.stage(), "time": clock.stamp()}


@api.get("/api/me", summary="Read who is signed in, and where", operation_id="getCurrentUser", tag="User")
def me() -> Me:
    return Me.of(api.signed_in)


@api.post(
    "/api/session/org",
    summary="Look at another organisation",
    operation_id="switchOrg",
    tag="User",
    description="The answer's cookie takes the place of the one before, which goes on working.",
    responses={404: "The person belongs to no such organisation."},
)
def switch(request: Switch) -> Me:
    signed_in = api.signed_in
    team.require_place(signed_in.user.id, request.org_id)
    people.look_at(signed_in.cookie, request.org_id)
    cookie = signed_in.cookie._replace(org_id=request.org_id)
    api.call.cookies.append(cookies.session(cookie))
    return Me.of(sessions.authenticate(str(cookie)))


@api.post(
    "/api/orgs",
    summary="Create an organisation",
    operation_id="createOrg",
    tag="Organizations",
    description="Whoever creates it is its admin, and looks at it from then on.",
    status=201,
    responses={402: "The person belongs to as many organisations as one may."},
)
def create_org(request: OrganizationInput) -> Organization:
    call, signed_in = api.call, api.signed_in
    assert call.correlation_id is not None
    org = accounts.new_organisation(request.name, team.slug(request.name), PlanName.FREE)
    org = org.model_copy(update=request.model_dump(exclude_unset=True))

    def look_at_it(org_id: str) -> Writes:
        return people.looking_at(signed_in.cookie, org_id)

    made = team.found(signed_in.user, org, call.correlation_id, call.effect, look_at_it)
    api.call.cookies.append(cookies.session(signed_in.cookie._replace(org_id=made.id)))
    return Organization.of(made)


@api.get(
    "/api/orgs/current",
    summary="Read the organisation",
    operation_id="getCurrentOrg",
    tag="Organizations",
    permission=Permission.ORGANIZATION_READ,
)
def read_org() -> Organization:
    return Organization.of(api.member.organisation)


@api.patch(
    "/api/orgs/current",
    summary="Change the organisation's profile",
    operation_id="updateCurrentOrg",
    tag="Organizations",
    permission=Permission.ORGANIZATION_WRITE,
)
def update_org(request: OrganizationInput) -> Organization:
    member = api.member
    return Organization.of(accounts.describe(member, member.organisation, request.given(), member.effect))


handler = api.handler
