"""The organizations of a person: create, list and look up."""

from __future__ import annotations

from collections.abc import Callable

from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.aws import reads
from switchboard.aws.writes import Writes
from switchboard.errors import NotFound
from switchboard.people.models import User
from switchboard.persistence.idempotency import IdempotencyKey, commit_once
from switchboard.team import members, store
from switchboard.team.models import OrganizationRole
from switchboard.team.permissions import Role


def create_organization(
    user: User,
    org: Organization,
    correlation_id: str,
    effect: IdempotencyKey | None,
    also: Callable[[str], Writes],
) -> Organization:
    """Creates an organization with a person as its admin. `also` returns more writes for its id, for the same commit.

    Raises QuotaExceeded for a person in too many organizations, StaleVersionError if its slug was just taken, and the
    errors of the other writes.
    """
    origin = members.origin_of_person(org.id, user, correlation_id)
    done = commit_once(
        effect,
        org.id,
        organizations.organization_writes(origin, org, is_slug_derived=True),
        members.membership_writes(origin, user, Role.ADMIN),
        also(org.id),
    )
    return organizations.get_organization(done.subject_id) if done else org


def list_organizations_of(user_id: str) -> list[OrganizationRole]:
    """Returns the organizations of a person, by name."""
    return _read_organization_roles(user_id, store.list_organization_ids(user_id, members.MAX_ORGANIZATIONS_OF_PERSON))


def get_organization_role(user_id: str, org_id: str) -> OrganizationRole:
    """Returns an organization and a person's role there. Raises NotFound unless the person is a member."""
    for place in _read_organization_roles(user_id, [org_id]):
        return place
    raise NotFound("There is no such organization: check its id.")


def _read_organization_roles(user_id: str, org_ids: list[str]) -> list[OrganizationRole]:
    if not org_ids:
        return []
    pairs = [(organizations.organization_ref(org_id), store.member_ref(org_id, user_id)) for org_id in org_ids]
    places = [OrganizationRole(org, member.role) for org, member in reads.read_ref_pairs(pairs) if org and member]
    return sorted(places, key=lambda place: (place.organization.name.casefold(), place.organization.id))
