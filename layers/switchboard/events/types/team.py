"""The people of an organization: members and invites."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Digest, EventType, Id


class Invited(TypedDict):
    role: Annotated[Code, "The role that the invite gives."]
    address: Annotated[Digest, "The digest of the invited address."]


class InviteEnded(TypedDict):
    role: Annotated[Code, "The role that the invite would have given."]


class MemberJoined(TypedDict):
    role: Annotated[Code, "The member's role."]
    invite: Annotated[Id | None, "The id of the accepted invite, if there was one."]


class MemberRemoved(TypedDict):
    role: Annotated[Code, "The role that the member had."]


class RoleChanged(TypedDict):
    role: Annotated[Code, "The new role."]
    before: Annotated[Code, "The old role."]


TYPES = (
    EventType("team.invited", "A person was invited.", "invite", Invited),
    EventType("team.invite_revoked", "An invite was revoked.", "invite", InviteEnded),
    EventType("team.invite_declined", "An invite was declined.", "invite", InviteEnded),
    EventType("team.member_joined", "A person became a member.", "user", MemberJoined),
    EventType("team.member_removed", "A member was removed.", "user", MemberRemoved),
    EventType("team.member_left", "A member left the organization.", "user", MemberRemoved),
    EventType("team.role_changed", "A member's role changed.", "user", RoleChanged),
)
