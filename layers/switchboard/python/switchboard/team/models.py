"""Memberships, invites, the organizations of a person, and the member that a request turns out to come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pydantic import BaseModel

from switchboard.accounts.models import Organisation
from switchboard.aws.effect import Effect
from switchboard.events.models import Actor
from switchboard.people.models import User
from switchboard.team.permissions import Role


class Membership(BaseModel):
    """A person in an organisation."""

    org_id: str
    user_id: str
    role: Role
    email: str | None
    name: str
    joined_at: str
    last_active_at: str


class Invite(BaseModel):
    """An address whose owner may join, once an issuer has verified that it is theirs."""

    id: str
    org_id: str
    email: str
    role: Role
    #: The name of who invited.
    invited_by: str
    created_at: str
    expires_at: str

    def open(self, now: str) -> bool:
        """Whether it can still be accepted."""
        return self.expires_at > now


class Mailings(BaseModel):
    """An organization's invites to one address: the open one, and the mails that were sent for them."""

    org_id: str
    #: The invite that was made last, `None` once it is accepted, declined or revoked.
    invite_id: str | None
    expires_at: str
    #: Before this moment the address gets no other mail from the organization.
    next_mail_at: str
    #: How many mails it got on `day` (UTC).
    day: str
    mails: int
    #: Counts the changes, so that a change follows the state that it was decided by.
    revision: int


class PendingInvite(NamedTuple):
    """An invite that a person may accept, and the organization that it leads to."""

    invite: Invite
    organisation: Organisation


class PendingInvites(NamedTuple):
    """A person's newest open invites, and how many there are (`invites.MOST_COUNTED` at most)."""

    newest: list[PendingInvite]
    total: int


class Place(NamedTuple):
    """An organization that a person belongs to, and their role in it."""

    organisation: Organisation
    role: Role


@dataclass(frozen=True, slots=True)
class Member:
    """A person who calls for an organisation. `effect` is set when the request may be retried."""

    organisation: Organisation
    user: User
    role: Role
    correlation_id: str
    effect: Effect | None = None

    @property
    def org_id(self) -> str:
        return self.organisation.id

    @property
    def user_id(self) -> str:
        return self.user.id

    @property
    def actor(self) -> Actor:
        return Actor(type="user", id=self.user.id)

    @property
    def agent_id(self) -> str | None:
        return None
