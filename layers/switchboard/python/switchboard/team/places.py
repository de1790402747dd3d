"""The organizations of a person: how one opens, and which there are."""

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
    """Open an organization with a person as its admin, and commit with it what `also` makes for its id.

    Raises QuotaExceeded for a person who belongs to too many, and what the other writes raise.
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
    """An organization's name as it may stand in an address."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "organization"


def places_of(user_id: str) -> list[Place]:
    """The organizations that a person belongs to, in the order of their names."""
    return _places(user_id, store.orgs_of(user_id, members.MOST_ORGANISATIONS))


def place_of(user_id: str, org_id: str) -> Place:
    """The organization of that id, and a person's role in it. Raises NotFound unless they belong to it."""
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
