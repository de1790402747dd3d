"""Rules of people and their sessions."""

from __future__ import annotations

from typing import Any

from switchboard.aws import writes
from switchboard.aws.writes import commit
from switchboard.kit import clock, ids
from switchboard.people import store
from switchboard.people.models import User
from switchboard.people.names import one_line
from switchboard.people.store import user_ref
from switchboard.persistence.optimistic import StaleVersionError, retry_on_conflict

__all__ = ["user_ref"]


def find_user(issuer: str, subject: str) -> User | None:
    """Returns the person with an issuer's subject, or `None`."""
    user_id = store.find_user_id(issuer, subject)
    return store.get_user(user_id) if user_id else None


def upsert_user(
    issuer: str,
    subject: str,
    email: str | None,
    *,
    email_verified: bool,
    name: str | None = None,
    avatar_url: str | None = None,
) -> User:
    """Stores the person that an issuer describes: create a new one, or update the known one. Returns the person."""
    given = one_line(name or "")

    def attempt() -> User:
        found = find_user(issuer, subject)
        facts = {
            "email": email,
            "email_verified": email_verified,
            "name": given or (found.name if found else (email or "").partition("@")[0] or "Someone"),
            "avatar_url": avatar_url,
        }
        return _update_user(found, facts) if found else _create_user(issuer, subject, facts)

    user = retry_on_conflict(attempt)
    assert user is not None, "nothing here is recorded before"
    return user


def _update_user(found: User, facts: dict[str, Any]) -> User:
    if all(getattr(found, field) == value for field, value in facts.items()):
        return found
    changes = facts | {"updated_at": clock.now_iso()}
    writes.write_item(store.user_change_write(found.id, changes))
    return found.model_copy(update=changes)


def _create_user(issuer: str, subject: str, facts: dict[str, Any]) -> User:
    now = clock.now_iso()
    user = User.model_validate(
        {"id": ids.new_id("usr"), "issuer": issuer, "subject": subject, "created_at": now, "updated_at": now, **facts}
    )
    # Another request, for example of a second tab, may store this person first. The retry then finds the person.
    commit(store.user_writes(user, StaleVersionError))
    return user
