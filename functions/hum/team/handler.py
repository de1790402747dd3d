"""HUM: `/api/team*`: the members of an organization, their roles, and invites."""

from __future__ import annotations

from functions.hum.team.schemas import (
    ChangeRole,
    ChangeRoleResponse,
    CreateInvite,
    CreateInviteResponse,
    InviteView,
    MemberView,
    TeamView,
)
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import DONE, Ok
from switchboard.edge.api import Api
from switchboard.team import invites, members
from switchboard.team.permissions import Permission

api = Api(Hum(), "team", tags={"Team": "Members, roles and invites."})

_LAST_ADMIN = "The member is the organization's last admin. Make another member an admin first."


@api.get(
    "/api/team",
    summary="List members and open invites",
    operation_id="listTeam",
    permission=Permission.TEAM_READ,
)
def list_team() -> TeamView:
    return TeamView.of(members.list_team(api.member.org_id))


@api.post(
    "/api/team/invites",
    summary="Invite a person by email",
    operation_id="createTeamInvite",
    description="Sends a link to the address. The person can accept or decline within seven days, after the issuer has "
    "verified the address. An address receives at most one mail an hour and three a day from one organization, and ten "
    "a day from all organizations. An organization can send 20 invites a day on the free plan and 200 on other plans.",
    permission=Permission.TEAM_WRITE,
    responses={
        402: "The limit of open invites is reached. Revoke some first.",
        409: "The address belongs to a member, has an open invite, or an earlier mail bounced or caused a complaint.",
    },
)
def create_invite(request: CreateInvite) -> CreateInviteResponse:
    member = api.member
    name = member.user.name
    made = invites.create_invite(member, member.organization, name, request.email, request.role, member.effect)
    return CreateInviteResponse(ok=True, invite=InviteView.of(made))


@api.delete(
    "/api/team/invites/<invite_id>",
    summary="Revoke an open invite",
    operation_id="revokeTeamInvite",
    permission=Permission.TEAM_WRITE,
    responses={404: "There is no such open invite."},
)
def revoke_invite(invite_id: str) -> Ok:
    invites.revoke_invite(api.member, invite_id, api.member.effect)
    return DONE


@api.patch(
    "/api/team/members/<user_id>",
    summary="Change a member's role",
    operation_id="updateTeamMemberRole",
    description="The new role applies from the member's next request.",
    permission=Permission.TEAM_WRITE,
    responses={404: "There is no such member.", 409: _LAST_ADMIN},
)
def change_role(user_id: str, request: ChangeRole) -> ChangeRoleResponse:
    return ChangeRoleResponse(
        ok=True, member=MemberView.of(members.change_role(api.member, user_id, request.role, api.member.effect))
    )


@api.delete(
    "/api/team/members/<user_id>",
    summary="Remove a member from the organization",
    operation_id="removeTeamMember",
    description="The removal applies from the member's next request. The person stays in their other organizations.",
    permission=Permission.TEAM_WRITE,
    responses={404: "There is no such member.", 409: _LAST_ADMIN},
)
def remove_member(user_id: str) -> Ok:
    members.remove_member(api.member, user_id, api.member.effect)
    return DONE


@api.post(
    "/api/team/leave",
    summary="Leave the organization",
    operation_id="leaveTeam",
    description="Send no body. The departure applies from the next request. The person stays in their other"
    " organizations and can switch to one of them with `switchOrg`.",
    responses={403: "The person is not in an organization.", 409: _LAST_ADMIN},
)
def leave_team() -> Ok:
    call, signed_in = api.exchange, api.signed_in
    assert call.correlation_id is not None
    members.leave_organization(signed_in.user, signed_in.session.org_id, call.correlation_id, call.effect)
    return DONE


handler = api.handler
