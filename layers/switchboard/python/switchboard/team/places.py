"""The organizations of a person: create, list and look up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from switchboard.accounts import service as accounts
from switchboard.accounts.models import Organisation
from switchboard.aws import table
from switchboard.aws.effect import Effect, commit_once
from switchboard.aws.table import Writes
from switchboard.errors import NotFound
from switchboard.people.models import User
from switchboard.team import members, store
from switchboard.team.models import Place
from switchboard.team.permissions import Role


def found_organization(
    user: User,
    org: Organisation,
    correlation_id: str,
    effect: Effect | None,
    also: Callable[[str], Writes],
) -> Organisation:
    """Create an organization with a person as its admin. `also` returns more writes for its id, for the same commit.

    Raises QuotaExceeded for a person in too many organizations, and the errors of the other writes.
    """
    origin = members.work_of(org.id, user, correlation_id)
    done = commit_once(
        effect,
        org.id,
        accounts.opening(origin, org),
        members.membership_writes(origin, user, Role.ADMIN),
        also(org.id),
    )
    return accounts.organisation(done.subject_id) if done else org


def slug_of(name: str) -> str:
    """Turn an organization's name into a slug for addresses."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "organization"


def places_of(user_id: str) -> list[Place]:
    """Return the organizations of a person, by name."""
    return _places(user_id, store.orgs_of(user_id, members.MOST_ORGANISATIONS))


def place_of(user_id: str, org_id: str) -> Place:
    """Return an organization and a person's role there. Raises NotFound unless the person is a member."""
    for place in _places(user_id, [org_id]):
        return place
    raise NotFound("There is no such organization.")


def _places(user_id: str, org_ids: list[str]) -> list[Place]:
    if not org_ids:
        return []
    keys = [key for org_id in org_ids for key in (accounts.org_key_of(org_id), store.member_key(org_id, user_id))]
    items = table.get_many("core", keys)
    places = [
        Place(accounts.org_from_item(org), store.read_member(member).role)
        for org, member in zip(items[::2], items[1::2], strict=True)
        if org and member
    ]
    return sorted(places, key=lambda place: (place.organisation.name.casefold(), place.organisation.id))
