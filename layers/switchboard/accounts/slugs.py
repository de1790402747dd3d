"""Slugs: the unique short names of organizations. A look-up item claims each slug."""

from __future__ import annotations

import re
import unicodedata

from switchboard.accounts import store
from switchboard.accounts.models import Organization
from switchboard.aws.writes import commit
from switchboard.errors import Conflict, NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import chance, clock
from switchboard.persistence.optimistic import retry_on_conflict

#: Ids begin with this, and no slug can: it has no underscore.
_ID_PREFIX = "org_"
_PAGE = 100
_LONGEST_BASE = 60
_ENDING_CHARACTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def slug_of(name: str) -> str:
    """Returns the slug that an organization's name suggests."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_BASE] or "organization"


def free_slug(wanted: str) -> str:
    """Returns the wanted slug if it is free, or else the slug with a random ending.

    Another organization may claim it before the commit: use `is_slug_derived` of `organization_writes`, and retry.
    """
    if store.find_slug_owner(wanted) is None:
        return wanted
    ending = "".join(_ENDING_CHARACTERS[chance.below(len(_ENDING_CHARACTERS))] for _ in range(5))
    return f"{wanted[: _LONGEST_BASE - 3].rstrip('-')}-{ending}"


def find_organization(name: str) -> Organization:
    """Returns the organization with an id or a slug. For operators only.

    An organization that was stored before slugs were unique has no claim, and is found by reading all of them. Raises
    NotFound, and Conflict if several of those have the slug.
    """
    org_id = name if name.startswith(_ID_PREFIX) else store.find_slug_owner(name) or _find_unclaimed(name)
    found = store.get_organization(org_id) if org_id else None
    if found is None:
        raise NotFound("There is no such organization: check its id or slug.")
    return found


def _find_unclaimed(slug: str) -> str | None:
    found: list[str] = []
    page = store.list_organizations(_PAGE, None)
    while True:
        found += [item["id"] for item in page.items if item["slug"] == slug]
        if page.next_key is None:
            break
        page = store.list_organizations(_PAGE, page.next_key)
    if len(found) > 1:
        raise Conflict(f"Several organizations have the slug {slug}: give the id of one, and rename the others.")
    return found[0] if found else None


def rename_organization(origin: Origin, name: str | None, slug: str | None) -> Organization:
    """Gives an organization another name, another slug, or both. Its old slug is free at once.

    Raises NotFound, and Conflict with `slug_taken` if another organization has the slug.
    """

    def attempt() -> Organization:
        org = store.get_organization(origin.org_id)
        if org is None:
            raise NotFound("There is no such organization: check its id.")
        wanted = {"name": name, "slug": slug}
        changes = {field: value for field, value in wanted.items() if value not in (None, getattr(org, field))}
        if not changes:
            return org
        moved = [store.slug_write(slug, org.id), store.slug_delete_write(org)] if slug and "slug" in changes else []
        now = clock.now_iso()
        commit(
            store.unchanged_organization_write(org, {**changes, "updated_at": now}, ("name", "slug")),
            moved,
            events.new_event_write(
                origin, "organization.updated", Subject(type="organization", id=org.id), fields=sorted(changes)
            ),
        )
        return org.model_copy(update={**changes, "updated_at": now})

    renamed = retry_on_conflict(attempt)
    assert renamed is not None, "nothing here is recorded before"
    return renamed
