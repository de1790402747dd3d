"""Members and invites, as HUM's clients see them (docs/contracts/hum.md#team)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from switchboard.edge.ok import Ok
from switchboard.email.address import Address
from switchboard.team import models
from switchboard.team.members import Team as Everyone
from switchboard.team.permissions import Role


class Member(BaseModel):
    """A person in the organisation."""

    user_id: str
    email: str | None
    name: str
    role: Role
    joined_at: str
    last_active_at: str = Field(description="When they were last here, to within some minutes.")

    @classmethod
    def of(cls, member: models.Membership) -> Member:
        """A member, as HUM shows one."""
        return cls.model_validate(member.model_dump())


class Invite(BaseModel):
    """An address whose owner may join."""

    id: str
    email: str
    role: Role
    invited_by: str = Field(description="The name of who invited.")
    created_at: str
    expires_at: str

    @classmethod
    def of(cls, invite: models.Invite) -> Invite:
        """An invite, as HUM shows one."""
        return cls.model_validate(invite.model_dump())


class Team(BaseModel):
    """Everyone in the organisation, and everyone who may join it."""

    members: list[Member]
    invites: list[Invite] = Field(description="Those that can still be accepted, newest first.")

    @classmethod
    def of(cls, team: Everyone) -> Team:
        """A team, as HUM shows one."""
        return cls(
            members=[Member.of(member) for member in team.members],
            invites=[Invite.of(invite) for invite in team.invites],
        )


class InviteRequest(BaseModel):
    """Whom to invite, and as what."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ada@example.com", "role": "viewer"}]})

    email: Address
    role: Role = Role.OPERATOR


class Invited(Ok):
    """An invite that is on its way."""

    invite: Invite


class RoleRequest(BaseModel):
    """Another role."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "operator"}]})

    role: Role


class Changed(Ok):
    """A member with another role."""

    member: Member
