"""Members of an organization and their roles: list, join, change the role, remove and leave."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from switchboard.aws import writes
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Writes
from switchboard.errors import Conflict, DomainError, Forbidden, NotFound, QuotaExceeded
from switchboard.events import service as events
from switchboard.events.models import Actor, Origin, Subject, SystemActor
from switchboard.kit import clock
from switchboard.people.models import User
from switchboard.persistence.idempotency import IdempotencyKey, commit_once, find_earlier_effect
from switchboard.persistence.optimistic import StaleVersionError, retry_on_conflict
from switchboard.team import store
from switchboard.team.models import Invite, Membership
from switchboard.team.permissions import PERMISSIONS, Permission, Role
from switchboard.team.store import member_ref

__all__ = ["member_ref"]

#: The maximum number of an organization's members, and of a person's organizations. Their lists have no pages.
MAX_MEMBERS, MAX_ORGANIZATIONS_OF_PERSON = 500, 50


class Team(NamedTuple):
    """An organization's members and open invites."""

    members: list[Membership]
    invites: list[Invite]


class AlreadyMemberError(Exception):
    """The person is already a member."""

    def __init__(self, _: list[Item | None]) -> None:
        super().__init__("the person is already a member")


def list_team(org_id: str) -> Team:
    """Returns the team: members by name, open invites newest first."""
    members, invites = store.get_team(org_id)
    now = clock.now_iso()
    return Team(
        sorted(members, key=lambda one: (one.name.casefold(), one.user_id)),
        sorted((one for one in invites if one.is_open(now)), key=lambda one: one.id, reverse=True),
    )


def find_first_admin_email(org_id: str) -> str | None:
    """Returns the address of the admin who joined first, of those with an address. `None` if there is none."""
    members, _ = store.get_team(org_id)
    admins = [(one.joined_at, one.email) for one in members if one.role is Role.ADMIN and one.email]
    return min(admins)[1] if admins else None


def permissions_of(role: Role) -> list[Permission]:
    """Returns the permissions of a role."""
    return sorted(PERMISSIONS[role])


def record_activity(member: Membership, user: User) -> None:
    """Records a member's last activity, and the current name and address from the issuer. Best effort."""
    changes = {"last_active_at": clock.now_iso(), "name": user.name, "email": user.email}
    with suppress(Exception):
        writes.write_item(store.member_change_write(member.org_id, member.user_id, changes))


def origin_of_person(org_id: str, user: User, correlation_id: str) -> SystemActor:
    """Returns the origin of a person's action in an organization, also before the person is a member."""
    return SystemActor(
        org_id=org_id, actor=Actor(type="user", id=user.id), agent_id=None, correlation_id=correlation_id
    )


# ---- coming


def membership_writes(origin: Origin, user: User, role: Role, invite: Invite | None = None) -> list[Writes]:
    """Returns the writes that make a person a member. With `invite` they also count the invite as used.

    They raise AlreadyMemberError at commit, or QuotaExceeded beyond `MAX_MEMBERS` or `MAX_ORGANIZATIONS_OF_PERSON`.
    """
    now = clock.now_iso()
    membership = Membership(
        org_id=origin.org_id,
        user_id=user.id,
        role=role,
        email=user.email,
        name=user.name,
        joined_at=now,
        last_active_at=now,
    )
    subject = Subject(type="user", id=user.id)
    event_write = events.new_event_write(
        origin, "team.member_joined", subject, role=role.value, invite=invite.id if invite else None
    )
    is_admin, used = int(role is Role.ADMIN), -1 if invite else 0
    return [
        *store.member_writes(membership, AlreadyMemberError),
        store.organization_count_write(user.id, 1, MAX_ORGANIZATIONS_OF_PERSON, _organization_limit_reached),
        store.member_count_write(origin.org_id, 1, is_admin, MAX_MEMBERS, _member_limit_reached, invites=used),
        event_write,
    ]


def _organization_limit_reached(_: list[Item | None]) -> DomainError:
    return QuotaExceeded(
        f"You belong to {MAX_ORGANIZATIONS_OF_PERSON} organizations, which is the limit: leave one first.",
        code="organization_limit",
        limit=MAX_ORGANIZATIONS_OF_PERSON,
    )


def _member_limit_reached(_: list[Item | None]) -> DomainError:
    return QuotaExceeded(
        f"The organization has {MAX_MEMBERS} members, which is the limit: ask an admin to remove one first.",
        code="member_limit",
        limit=MAX_MEMBERS,
    )


# ---- roles


def change_role(origin: Origin, user_id: str, role: Role, effect: IdempotencyKey | None = None) -> Membership:
    """Changes a member's role. The change takes effect at the member's next request.

    Raises NotFound, or Conflict if the last admin would lose that role.
    """

    def attempt() -> Membership:
        before = _get_member(origin.org_id, user_id)
        if before.role is role:
            return before
        subject = Subject(type="user", id=user_id)
        event_write = events.new_event_write(
            origin, "team.role_changed", subject, role=role.value, before=before.role.value
        )
        admins = (role is Role.ADMIN) - (before.role is Role.ADMIN)
        done = commit_once(
            effect,
            user_id,
            store.role_change_write(before, role, StaleVersionError),
            store.member_count_write(origin.org_id, 0, admins, MAX_MEMBERS, _last_admin) if admins else None,
            event_write,
        )
        return _get_member(origin.org_id, user_id) if done else before.model_copy(update={"role": role})

    changed = retry_on_conflict(attempt)
    assert changed is not None, "nothing here is recorded before"
    return changed


def _get_member(org_id: str, user_id: str) -> Membership:
    found = store.get_member(org_id, user_id)
    if not found:
        raise NotFound("There is no such member: check its id.")
    return found


def _last_admin(_: list[Item | None]) -> DomainError:
    return Conflict("This is the organization's last admin: make another member an admin first.", code="last_admin")


# ---- going


def remove_member(
    origin: Origin, user_id: str, effect: IdempotencyKey | None = None, *, needs_admin: bool = True
) -> None:
    """Removes a member from the organization. The removal takes effect at the person's next request.

    The person's account remains. Raises NotFound, or Conflict for the last admin of an organization that `needs_admin`.
    """
    if find_earlier_effect(effect):
        return

    def attempt() -> None:
        _end_membership(origin, _get_member(origin.org_id, user_id), "team.member_removed", effect, needs_admin)

    retry_on_conflict(attempt)


def leave_organization(
    user: User, org_id: str | None, correlation_id: str, effect: IdempotencyKey | None = None
) -> None:
    """Lets a person leave an organization, even an inactive one.

    Raises Forbidden if the person is not a member, or Conflict for the last admin.
    """
    if find_earlier_effect(effect):
        return

    def attempt() -> None:
        before = store.get_member(org_id, user.id) if org_id else None
        if not before:
            raise Forbidden("You belong to no organization: there is none that you can leave.", code="no_organization")
        _end_membership(origin_of_person(before.org_id, user, correlation_id), before, "team.member_left", effect)

    retry_on_conflict(attempt)


def _end_membership(
    origin: Origin, before: Membership, kind: str, effect: IdempotencyKey | None, needs_admin: bool = True
) -> None:
    event_write = events.new_event_write(origin, kind, Subject(type="user", id=before.user_id), role=before.role.value)
    commit_once(
        effect,
        before.user_id,
        store.member_delete_writes(before, StaleVersionError),
        store.organization_count_write(before.user_id, -1, MAX_ORGANIZATIONS_OF_PERSON),
        store.member_count_write(
            before.org_id, -1, -(before.role is Role.ADMIN), MAX_MEMBERS, _last_admin, needs_admin=needs_admin
        ),
        event_write,
    )
