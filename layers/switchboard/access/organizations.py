"""The organizations of a signed-in person: create, join and switch. The session follows in the same commit."""

from __future__ import annotations

from typing import Any

from switchboard.access import sessions
from switchboard.access.sessions import SessionIdentity
from switchboard.accounts import organizations, slugs
from switchboard.accounts.models import Organization
from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import Writes
from switchboard.people import sessions as people_sessions
from switchboard.people.sessions import SessionCookie
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.persistence.optimistic import retry_on_conflict
from switchboard.team import memberships, pending_invites
from switchboard.team.models import OrganizationRole


def create_organization(
    signed_in: SessionIdentity, profile: dict[str, Any], correlation_id: str, effect: IdempotencyKey | None
) -> tuple[Organization, SessionCookie]:
    """Creates an organization with the person as its admin, and switch the session to it.

    `profile` has fields of the organization, with at least its name. Returns the session's new cookie too. Raises
    QuotaExceeded for a person in too many organizations.
    """
    name = profile["name"]

    def attempt() -> Organization:
        slug = slugs.free_slug(slugs.slug_of(name))
        org = organizations.new_organization(name, slug, PlanName.FREE).model_copy(update=profile)
        return memberships.create_organization(
            signed_in.user, org, correlation_id, effect, lambda org_id: _switch_writes(signed_in, org_id)
        )

    made = retry_on_conflict(attempt)
    assert made is not None, "nothing here is recorded before"
    return made, signed_in.cookie._replace(org_id=made.id)


def accept_invite(
    signed_in: SessionIdentity, invite_id: str, correlation_id: str, effect: IdempotencyKey | None
) -> tuple[OrganizationRole, SessionCookie | None]:
    """Makes the person a member by an invite. A session without an organization switches to this one.

    Returns the session's new cookie too, `None` without a switch. Raises NotFound and QuotaExceeded.
    """
    switches = signed_in.membership is None
    place = pending_invites.accept_invite(
        signed_in.user,
        invite_id,
        correlation_id,
        effect,
        lambda org_id: _switch_writes(signed_in, org_id) if switches else None,
    )
    return place, signed_in.cookie._replace(org_id=place.organization.id) if switches else None


def switch_organization(signed_in: SessionIdentity, org_id: str) -> SessionIdentity:
    """Switches the session to another organization of the person, and returns it with its new cookie.

    Raises NotFound for an organization that the person does not belong to, Unauthenticated if the session has ended.
    """
    memberships.get_organization_role(signed_in.user.id, org_id)
    people_sessions.switch_organization(signed_in.cookie, org_id)
    return sessions.authenticate_session(str(signed_in.cookie._replace(org_id=org_id)))


def _switch_writes(signed_in: SessionIdentity, org_id: str) -> Writes:
    return people_sessions.switch_organization_writes(signed_in.cookie, org_id)
