"""HUM: `/api/health`, `/api/me`, `/api/invites*`, `/api/orgs*`, `/api/session/*`, and 404 for unknown paths."""

from __future__ import annotations

from typing import Any

from functions.hum.account.schemas import (
    AcceptInviteResponse,
    CurrentUserView,
    OrganizationInput,
    OrganizationView,
    OwnInvites,
    SwitchOrganization,
)
from switchboard.access import organizations as access
from switchboard.accounts import organizations
from switchboard.aws import clients, reads
from switchboard.dialects.hum import cookies
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import DONE, Ok
from switchboard.edge.api import Api
from switchboard.errors import Unavailable
from switchboard.kit import clock, settings
from switchboard.team import pending_invites
from switchboard.team.permissions import Permission

#: No item has this key. Reading it is the cheapest check that the table responds.
_NO_ITEM = {"pk": "health", "sk": "health"}

api = Api(
    Hum(),
    "account",
    tags={
        "System": "The state of the service.",
        "User": "The signed-in person, their organizations and invites.",
        "Organizations": "The organization and its profile.",
    },
)


@api.get(
    "/api/health",
    summary="Check that the service is up",
    operation_id="getHealth",
    tag="System",
    public=True,
    responses={503: "The service cannot reach its data at the moment."},
)
def get_health() -> dict[str, Any]:
    try:
        reads.get_item("core", _NO_ITEM, consistent=False)
    except (Unavailable, clients.BotoCoreError, clients.ClientError) as error:
        raise Unavailable("The service cannot reach its data. Try again in a moment.", retry_after=2) from error
    return {"ok": True, "stage": settings.stage(), "time": clock.now_iso()}


@api.get("/api/me", summary="Get the signed-in person", operation_id="getCurrentUser", tag="User")
def get_current_user() -> CurrentUserView:
    signed_in = api.signed_in
    return CurrentUserView.of_session(signed_in, pending_invites.list_pending_invites(signed_in.user))


@api.get(
    "/api/invites",
    summary="List the invites for your address",
    operation_id="listOwnInvites",
    tag="User",
    description="Newest first. The list is empty until the issuer has verified your address.",
)
def list_own_invites() -> OwnInvites:
    return OwnInvites.of(pending_invites.list_pending_invites(api.signed_in.user))


@api.post(
    "/api/invites/<invite_id>/accept",
    summary="Accept an invite",
    operation_id="acceptInvite",
    tag="User",
    description="Send no body. If the session has no current organization, it switches to this one.",
    responses={
        402: "The organization cannot have more members, or the person cannot join more organizations.",
        404: "There is no open invite with this id for the person's verified address.",
    },
)
def accept_invite(invite_id: str) -> AcceptInviteResponse:
    call = api.exchange
    assert call.correlation_id is not None

    place, cookie = access.accept_invite(api.signed_in, invite_id, call.correlation_id, call.effect)
    if cookie:
        call.cookies.append(cookies.format_session_cookie(cookie))
    return AcceptInviteResponse.of(place)


@api.post(
    "/api/invites/<invite_id>/decline",
    summary="Decline an invite",
    operation_id="declineInvite",
    tag="User",
    description="Send no body. The organization cannot invite the address again for seven days.",
    responses={404: "There is no open invite with this id for the person's verified address."},
)
def decline_invite(invite_id: str) -> Ok:
    call = api.exchange
    assert call.correlation_id is not None
    pending_invites.decline_invite(api.signed_in.user, invite_id, call.correlation_id, call.effect)
    return DONE


@api.post(
    "/api/session/org",
    summary="Switch to another organization",
    operation_id="switchOrg",
    tag="User",
    description="The response sets a new cookie. The previous cookie stays valid.",
    responses={404: "The person has no organization with this id."},
)
def switch_organization(request: SwitchOrganization) -> CurrentUserView:
    turned = access.switch_organization(api.signed_in, request.org_id)
    api.exchange.cookies.append(cookies.format_session_cookie(turned.cookie))
    return CurrentUserView.of_session(turned, pending_invites.list_pending_invites(turned.user))


@api.post(
    "/api/orgs",
    summary="Create an organization",
    operation_id="createOrg",
    tag="Organizations",
    description="The person becomes its admin, and the session switches to it.",
    status=201,
    responses={402: "The person cannot belong to more organizations."},
)
def create_organization(request: OrganizationInput) -> OrganizationView:
    call = api.exchange
    assert call.correlation_id is not None
    profile = request.model_dump(exclude_unset=True)
    made, cookie = access.create_organization(api.signed_in, profile, call.correlation_id, call.effect)
    call.cookies.append(cookies.format_session_cookie(cookie))
    return OrganizationView.of(made)


@api.get(
    "/api/orgs/current",
    summary="Get the organization",
    operation_id="getCurrentOrg",
    tag="Organizations",
    permission=Permission.ORGANIZATION_READ,
)
def get_organization() -> OrganizationView:
    return OrganizationView.of(api.member.organization)


@api.patch(
    "/api/orgs/current",
    summary="Update the organization's profile",
    operation_id="updateCurrentOrg",
    tag="Organizations",
    permission=Permission.ORGANIZATION_WRITE,
)
def update_organization(request: OrganizationInput) -> OrganizationView:
    member = api.member
    return OrganizationView.of(
        organizations.update_organization(member, member.organization, request.sent_fields(), member.effect)
    )


handler = api.handler
