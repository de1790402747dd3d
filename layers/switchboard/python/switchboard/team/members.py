"""Members and their roles: who is in an organization, how one becomes a member, and how one leaves."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from switchboard.aws import clock, table
from switchboard.aws.effect import Effect, commit_once, done_before
from switchboard.aws.table import Item, Key, Writes
from switchboard.errors import Conflict, DomainError, Forbidden, NotFound, QuotaExceeded
from switchboard.events import service as events
from switchboard.events.models import Actor, Origin, Subject, Work
from switchboard.kit.change import Moved, again
from switchboard.people.models import User
from switchboard.team import store
from switchboard.team.models import Invite, Membership
from switchboard.team.permissions import PERMISSIONS, Permission, Role

#: An organization's members and a person's organizations: the lists of them are never paged.
MOST_MEMBERS, MOST_ORGANISATIONS = 500, 50


class Team(NamedTuple):
    """Everyone in an organization, and everyone who may join it."""

    members: list[Membership]
    invites: list[Invite]


class AlreadyInError(Exception):
    """The person is a member already."""

    def __init__(self, _: list[Item | None]) -> None:
        super().__init__("a member already")


def list_team(org_id: str) -> Team:
    """The team: members in the order of their names, open invites newest first."""
    members, invites = store.team(org_id)
    now = clock.stamp()
    return Team(
        sorted(members, key=lambda one: (one.name.casefold(), one.user_id)),
        sorted((one for one in invites if one.open(now)), key=lambda one: one.id, reverse=True),
    )


def permissions_of(role: Role) -> list[Permission]:
    """What a role may do."""
    return sorted(PERMISSIONS[role])


def member_key_of(org_id: str, user_id: str) -> tuple[str, Key]:
    """Where a membership is stored, for a reader that fetches it along with other items."""
    return "core", store.member_key(org_id, user_id)


def member_from_item(item: Item) -> Membership:
    """The membership that such an item holds."""
    return store.read_member(item)


def note_activity(member: Membership, user: User) -> None:
    """Record when a member was here, and what their issuer calls them now. Best effort."""
    changes = {"last_active_at": clock.stamp(), "name": user.name, "email": user.email}
    with suppress(Exception):
        table.write(store.change_member(member.org_id, member.user_id, changes))


def work_of(org_id: str, user: User, correlation_id: str) -> Work:
    """What a person does in an organization before they are a member of it."""
    return Work(org_id=org_id, actor=Actor(type="user", id=user.id), agent_id=None, correlation_id=correlation_id)


# ---- coming


def membership_writes(origin: Origin, user: User, role: Role, invite: Invite | None = None) -> list[Writes]:
    """The writes that make a person a member, by an invite that is used up.

    At commit they raise AlreadyInError, or QuotaExceeded beyond MOST_MEMBERS and MOST_ORGANISATIONS.
    """
    now = clock.stamp()
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
    event = events.of(origin, "team.member_joined", subject, role=role.value, invite=invite.id if invite else None)
    is_admin, used = int(role is Role.ADMIN), -1 if invite else 0
    return [
        *store.put_member(membership, AlreadyInError),
        store.count_places(user.id, 1, MOST_ORGANISATIONS, _too_many_places),
        store.count_members(origin.org_id, 1, is_admin, MOST_MEMBERS, _full, invites=used),
        events.record(event),
    ]


def _too_many_places(_: list[Item | None]) -> DomainError:
    return QuotaExceeded(
        f"A person belongs to at most {MOST_ORGANISATIONS} organizations: leave one first.",
        code="organization_limit",
        limit=MOST_ORGANISATIONS,
    )


def _full(_: list[Item | None]) -> DomainError:
    return QuotaExceeded(
        f"An organization has at most {MOST_MEMBERS} members.", code="member_limit", limit=MOST_MEMBERS
    )


# ---- roles


def change_role(origin: Origin, user_id: str, role: Role, effect: Effect | None = None) -> Membership:
    """Give a member another role, from their next request on.

    Raises NotFound, or Conflict for the last admin, who stays one.
    """

    def attempt() -> Membership:
        before = _member(origin.org_id, user_id)
        if before.role is role:
            return before
        subject = Subject(type="user", id=user_id)
        event = events.of(origin, "team.role_changed", subject, role=role.value, before=before.role.value)
        admins = (role is Role.ADMIN) - (before.role is Role.ADMIN)
        done = commit_once(
            effect,
            user_id,
            store.change_role(before, role, Moved),
            store.count_members(origin.org_id, 0, admins, MOST_MEMBERS, _last_admin) if admins else None,
            events.record(event),
        )
        return _member(origin.org_id, user_id) if done else before.model_copy(update={"role": role})

    changed = again(attempt)
    assert changed is not None, "nothing here is recorded before"
    return changed


def _member(org_id: str, user_id: str) -> Membership:
    found = store.get_member(org_id, user_id)
    if not found:
        raise NotFound("There is no such member.")
    return found


def _last_admin(_: list[Item | None]) -> DomainError:
    return Conflict("The organization's last admin stays one: make somebody else an admin first.", code="last_admin")


# ---- going


def remove_member(origin: Origin, user_id: str, effect: Effect | None = None) -> None:
    """Take a person out of the organization, from their next request on; the person stays known.

    Raises NotFound, or Conflict for the last admin.
    """
    if done_before(effect):
        return

    def attempt() -> None:
        _go(origin, _member(origin.org_id, user_id), "team.member_removed", effect)

    again(attempt)


def leave(user: User, org_id: str | None, correlation_id: str, effect: Effect | None = None) -> None:
    """Let a person leave an organization by themselves, also one that is not active.

    Raises Forbidden where they are in none, or Conflict for the last admin.
    """
    if done_before(effect):
        return

    def attempt() -> None:
        before = store.get_member(org_id, user.id) if org_id else None
        if not before:
            raise Forbidden("There is no organization to leave.", code="no_organization")
        _go(work_of(before.org_id, user, correlation_id), before, "team.member_left", effect)

    again(attempt)


def _go(origin: Origin, before: Membership, kind: str, effect: Effect | None) -> None:
    event = events.of(origin, kind, Subject(type="user", id=before.user_id), role=before.role.value)
    commit_once(
        effect,
        before.user_id,
        store.remove_member(before, Moved),
        store.count_places(before.user_id, -1, MOST_ORGANISATIONS),
        store.count_members(before.org_id, -1, -(before.role is Role.ADMIN), MOST_MEMBERS, _last_admin),
        events.record(event),
    )
