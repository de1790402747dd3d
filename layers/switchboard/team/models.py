"""Memberships, invites, the organizations of a person, and the member who makes a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pydantic import BaseModel

from switchboard.accounts.models import Organization
from switchboard.errors import Forbidden
from switchboard.events.models import Actor
from switchboard.people.models import User
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team.permissions import PERMISSIONS, Permission, Role


class Membership(BaseModel):
    """A person's membership in an organization."""

    org_id: str
    user_id: str
    role: Role
    email: str | None
    name: str
    joined_at: str
    last_active_at: str


class Invite(BaseModel):
    """An invite for an address. Its owner may join after an issuer has verified the address."""

    id: str
    org_id: str
    email: str
    role: Role
    #: The inviter's name.
    invited_by: str
    created_at: str
    expires_at: str

    def is_open(self, now: str) -> bool:
        """Whether the invite can still be accepted."""
        return self.expires_at > now


class InviteMailState(BaseModel):
    """An organization's invites to one address: the open invite, and the limits of their mails."""

    org_id: str
    #: The latest invite, or `None` after it was accepted, declined or revoked.
    invite_id: str | None
    expires_at: str
    #: The earliest time of the next mail from the organization to the address.
    next_mail_at: str
    #: The number of `mails` to the address on `day` (UTC).
    day: str
    mails: int
    #: Counts the changes. A write requires the revision that was read.
    revision: int


class PendingInvite(NamedTuple):
    """An invite that a person may accept, and its organization."""

    invite: Invite
    organization: Organization


class PendingInvites(NamedTuple):
    """A person's newest open invites, and the number of all open invites, at most `MAX_INVITES_COUNTED`."""

    newest: list[PendingInvite]
    total: int


class OrganizationRole(NamedTuple):
    """An organization of a person, and the person's role there."""

    organization: Organization
    role: Role


@dataclass(frozen=True, slots=True)
class Member:
    """The authorized person of a request, with the organization. `effect` is set for an Idempotency-Key."""

    organization: Organization
    user: User
    role: Role
    correlation_id: str
    effect: IdempotencyKey | None = None

    @property
    def org_id(self) -> str:
        return self.organization.id

    @property
    def user_id(self) -> str:
        return self.user.id

    @property
    def actor(self) -> Actor:
        return Actor(type="user", id=self.user.id)

    @property
    def agent_id(self) -> str | None:
        return None


def require_permission(role: Role, permission: Permission) -> None:
    """Raises Forbidden unless a role has a permission."""
    if permission not in PERMISSIONS[role]:
        raise Forbidden(
            f"The role {role.value} does not allow this: ask an admin of the organization.",
            code="insufficient_role",
            role=role.value,
            permission=permission.value,
        )
