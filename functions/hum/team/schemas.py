"""Request and response models of HUM's members and invites (docs/contracts/hum.md#team)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from switchboard.dialects.hum.shapes import Ok
from switchboard.email.address import EmailAddress
from switchboard.team import models
from switchboard.team.members import Team
from switchboard.team.permissions import Role


class MemberView(BaseModel):
    """A member of the organization."""

    user_id: str
    email: str | None
    name: str
    role: Role
    joined_at: str
    last_active_at: str = Field(description="The member's last request, to within a few minutes.")

    @classmethod
    def of(cls, member: models.Membership) -> MemberView:
        """Returns HUM's view of a member."""
        return cls.model_validate(member.model_dump())


class InviteView(BaseModel):
    """An invite for the owner of an email address."""

    id: str
    email: str
    role: Role
    invited_by: str = Field(description="The name of the member who sent the invite.")
    created_at: str
    expires_at: str

    @classmethod
    def of(cls, invite: models.Invite) -> InviteView:
        """Returns HUM's view of an invite."""
        return cls.model_validate(invite.model_dump())


class TeamView(BaseModel):
    """The members and open invites of the organization."""

    members: list[MemberView]
    invites: list[InviteView] = Field(description="The invites that can still be accepted, newest first.")

    @classmethod
    def of(cls, team: Team) -> TeamView:
        """Returns HUM's view of a team."""
        return cls(
            members=[MemberView.of(member) for member in team.members],
            invites=[InviteView.of(invite) for invite in team.invites],
        )


class CreateInvite(BaseModel):
    """The person to invite and their role."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ada@example.com", "role": "viewer"}]})

    email: EmailAddress
    role: Role = Field(default=Role.OPERATOR, description="The role of the new member.")


class CreateInviteResponse(Ok):
    """The invite that was created."""

    invite: InviteView


class ChangeRole(BaseModel):
    """The member's new role."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "operator"}]})

    role: Role


class ChangeRoleResponse(Ok):
    """The member with the new role."""

    member: MemberView
