"""HUM: `/api/team*`: who works in the organisation, as what, and who is invited."""

from __future__ import annotations

from functions.hum.team.schemas import Changed, Invite, Invited, InviteRequest, Member, RoleRequest, Team
from switchboard.edge.api import Api
from switchboard.edge.dialects.hum import Hum
from switchboard.edge.ok import DONE, Ok
from switchboard.team import service as team
from switchboard.team.permissions import Permission

api = Api(Hum(), "team", tags={"Team": "Members, roles and invites."})

_LAST = "The organisation's last admin stays one."


@api.get(
    "/api/team",
    summary="List members and open invites",
    operation_id="listTeam",
    tag="Team",
    permission=Permission.TEAM_READ,
)
def list_team() -> Team:
    return Team.of(team.listing(api.member.org_id))


@api.post(
    "/api/team/invites",
    summary="Invite somebody by e-mail",
    operation_id="createTeamInvite",
    tag="Team",
    description="Whoever signs in with that address, verified by the issuer, within seven days, is in.",
    permission=Permission.TEAM_WRITE,
    responses={402: "Too many invites are open.", 409: "The address is a member's, or has an open invite."},
)
def invite(request: InviteRequest) -> Invited:
    member = api.member
    made = team.invite(member, member.organisation, member.user.name, request.email, request.role, member.effect)
    return Invited(ok=True, invite=Invite.of(made))


@api.delete(
    "/api/team/invites/<invite_id>",
    summary="Take an open invite back",
    operation_id="revokeTeamInvite",
    tag="Team",
    permission=Permission.TEAM_WRITE,
    responses={404: "There is no such open invite."},
)
def revoke(invite_id: str) -> Ok:
    team.revoke(api.member, invite_id, api.member.effect)
    return DONE


@api.patch(
    "/api/team/members/<user_id>",
    summary="Give a member another role",
    operation_id="updateTeamMemberRole",
    tag="Team",
    description="It holds from the member's next request on.",
    permission=Permission.TEAM_WRITE,
    responses={404: "There is no such member.", 409: _LAST},
)
def change_role(user_id: str, request: RoleRequest) -> Changed:
    return Changed(ok=True, member=Member.of(team.change_role(api.member, user_id, request.role, api.member.effect)))


@api.delete(
    "/api/team/members/<user_id>",
    summary="Take a member out of the organisation",
    operation_id="removeTeamMember",
    tag="Team",
    description="It holds from the member's next request on. The person keeps their other organisations.",
    permission=Permission.TEAM_WRITE,
    responses={404: "There is no such member.", 409: _LAST},
)
def remove(user_id: str) -> Ok:
    team.remove(api.member, user_id, api.member.effect)
    return DONE


handler = api.handler
