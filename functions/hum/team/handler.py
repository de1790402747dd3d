"""HUM: `/api/team*`: who works in the organisation, as what, and who is invited."""

from __future__ import annotations

from functions.hum.team.schemas import Changed, Invite, Invited, InviteRequest, Member, RoleRequest, Team
from switchboard.edge.api import Api
from switchboard.edge.dialects.hum import Hum
from switchboard.edge.ok import DONE, Ok
from switchboard.team import invites, members
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
    return Team.of(members.list_team(api.member.org_id))


@api.post(
    "/api/team/invites",
    summary="Invite somebody by e-mail",
    operation_id="createTeamInvite",
    tag="Team",
    description="Mails a link to the address. Its owner may accept or decline within seven days, once the issuer has "
    "verified that the address is theirs. An address gets a mail of one organization once an hour and three times a "
    "day, and ten a day of all together; an organization mails 20 invites a day on the free plan, 200 on others.",
    permission=Permission.TEAM_WRITE,
    responses={
        402: "Too many invites are open.",
        409: "The address is a member's, has an open invite, or bounced or complained after an earlier mail.",
    },
)
def create_invite(request: InviteRequest) -> Invited:
    member = api.member
    name = member.user.name
    made = invites.create_invite(member, member.organisation, name, request.email, request.role, member.effect)
    return Invited(ok=True, invite=Invite.of(made))


@api.delete(
    "/api/team/invites/<invite_id>",
    summary="Take an open invite back",
    operation_id="revokeTeamInvite",
    tag="Team",
    permission=Permission.TEAM_WRITE,
    responses={404: "There is no such open invite."},
)
def revoke_invite(invite_id: str) -> Ok:
    invites.revoke_invite(api.member, invite_id, api.member.effect)
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
    return Changed(ok=True, member=Member.of(members.change_role(api.member, user_id, request.role, api.member.effect)))


@api.delete(
    "/api/team/members/<user_id>",
    summary="Take a member out of the organisation",
    operation_id="removeTeamMember",
    tag="Team",
    description="It holds from the member's next request on. The person keeps their other organisations.",
    permission=Permission.TEAM_WRITE,
    responses={404: "There is no such member.", 409: _LAST},
)
def remove_member(user_id: str) -> Ok:
    members.remove_member(api.member, user_id, api.member.effect)
    return DONE


@api.post(
    "/api/team/leave",
    summary="Leave the organization",
    operation_id="leaveTeam",
    tag="Team",
    description="Takes no body. It holds from the next request on. The person keeps their other organizations, and "
    "turns to one of them with `switchOrg`.",
    responses={403: "The person is in no organization.", 409: _LAST},
)
def leave() -> Ok:
    call, signed_in = api.call, api.signed_in
    assert call.correlation_id is not None
    members.leave(signed_in.user, signed_in.session.org_id, call.correlation_id, call.effect)
    return DONE


handler = api.handler
