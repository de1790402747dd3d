"""Shared by the tests of a team: an organization with an admin, its events and its mails."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from switchboard.email import store
from switchboard.email.models import Message
from switchboard.events import service as events
from switchboard.events.models import Event
from switchboard.kit import clock
from switchboard.people.models import User
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team import invites, pending_invites
from switchboard.team.models import Invite, Member
from switchboard.team.permissions import Role
from tests.actors import member, tenant


def list_events(org_id: str) -> list[Event]:
    """The organization's events of these hours."""
    hour = timedelta(hours=1)
    return list(
        events.events_between(clock.format_iso(clock.now() - hour), clock.format_iso(clock.now() + hour), org_id)
    )


def list_team_event_types(org_id: str) -> list[str]:
    """The types of the organization's events about its team."""
    return [event.type for event in list_events(org_id) if event.type.startswith("team.")]


def list_mails(org_id: str) -> list[Message]:
    """The mails that the organization's events of these hours queue."""
    found = [
        store.get_message(org_id, event.subject.id) for event in list_events(org_id) if event.type == "email.queued"
    ]
    return [message for message in found if message]


def invite_and_join(admin: Member, email: str = "grace@example.com", role: Role = Role.VIEWER, **more: Any) -> Invite:
    return invites.create_invite(admin, admin.organization, admin.user.name, email, role, **more)


def accept_invite(user: User, made: Invite, effect: IdempotencyKey | None = None) -> str:
    """Accept an invite. Returns the organization's id."""
    return pending_invites.accept_invite(user, made.id, "corr_test", effect).organization.id


def list_pending(user: User) -> list[str]:
    """The ids of the invites that a person may accept."""
    return [one.invite.id for one in pending_invites.list_pending_invites(user).newest]


@pytest.fixture
def admin(cloud: Any, frozen: clock.FrozenClock) -> Member:
    return member(tenant().org_id)
