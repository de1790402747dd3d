"""Rules of people and their sessions."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

from switchboard import telemetry
from switchboard.aws import clock, ids, secret, settings, table
from switchboard.aws.table import ConditionFailedError, Item, Key, Update, commit
from switchboard.errors import NotFound, Unauthenticated
from switchboard.kit.change import Moved, again
from switchboard.people import store
from switchboard.people.models import Session, User
from switchboard.people.names import one_line

#: The lifetime of an unused session, and the maximum lifetime of any session, in seconds.
IDLE, ABSOLUTE = 12 * 3_600, 7 * 86_400
#: The minimum time between two records of a session's use.
_NOTED_EVERY = timedelta(minutes=5)
_SECRET_BYTES = 32
_COOKIE = re.compile(r"([A-Za-z0-9_-]{43})\.(usr_[0-9a-z]{26})\.(org_[0-9a-z]{26}|-)")


class Cookie(NamedTuple):
    """A browser's session cookie: the session's secret, and the ids of its person and organization.

    Only the secret grants access. The ids let one read fetch the session with its person and organization.
    """

    secret: str
    user_id: str
    org_id: str | None

    @property
    def digest(self) -> str:
        """The stored digest of the secret."""
        return secret.digest(self.secret)

    def __str__(self) -> str:
        return f"{self.secret}.{self.user_id}.{self.org_id or '-'}"


def read_cookie(text: str) -> Cookie | None:
    """Parse a cookie. Returns `None` if it is malformed."""
    found = _COOKIE.fullmatch(text)
    return Cookie(found[1], found[2], None if found[3] == "-" else found[3]) if found else None


def lifetime() -> int:
    """Return the maximum lifetime of a session, in seconds."""
    return settings.number("SESSION_SECONDS", ABSOLUTE)


def open_session(user: User, org_id: str | None) -> Cookie:
    """Begin a session that works in an organization, if the person has one."""
    cookie = Cookie(secrets.token_urlsafe(_SECRET_BYTES), user.id, org_id)
    now = clock.now()
    session = Session(
        digest=cookie.digest,
        user_id=user.id,
        org_id=org_id,
        created_at=clock.iso(now),
        seen_at=clock.iso(now),
        idle_at=clock.iso(now + _idle()),
        expires_at=clock.iso(now + timedelta(seconds=lifetime())),
    )
    table.write(store.put_session(session))
    return cookie


def _idle() -> timedelta:
    return timedelta(seconds=settings.number("SESSION_IDLE_SECONDS", IDLE))


def looking_at(cookie: Cookie, org_id: str) -> list[Update]:
    """Return the writes that switch a session to another organization. They raise Unauthenticated if it has ended."""
    return [
        replace(store.change_session(cookie.digest, {"org_id": org_id}), otherwise=_ended),
        store.change_user(cookie.user_id, {"last_org_id": org_id}),
    ]


def look_at(cookie: Cookie, org_id: str) -> None:
    """Switch a session to another organization. Raises Unauthenticated if it has ended."""
    commit(looking_at(cookie, org_id))


def _ended(_: list[Item | None]) -> Exception:
    return Unauthenticated("The session was ended: sign in again.", code="unknown")


def due(session: Session) -> bool:
    """Whether the next use of a session must be recorded."""
    return clock.parse(session.seen_at) < clock.now() - _NOTED_EVERY


def note_use(session: Session) -> None:
    """Record that a session is used, and extend it. Best effort: a failure here never fails the request."""
    now = clock.now()
    try:
        table.write(
            store.change_session(session.digest, {"seen_at": clock.iso(now), "idle_at": clock.iso(now + _idle())})
        )
    except ConditionFailedError:
        pass  # the session ended during this request
    except Exception:  # noqa: BLE001 the request continues after any failure
        telemetry.metric("SessionUseNotNoted")


def sign_out(cookie: Cookie) -> None:
    """End a session. Ending an ended session changes nothing."""
    table.write(store.end_session(cookie.digest))


def sign_out_everywhere(user_id: str) -> None:
    """End all of a person's sessions. Raises NotFound."""
    try:
        table.write(store.change_user(user_id, {"signed_out_at": clock.stamp()}))
    except ConditionFailedError:
        raise NotFound("There is no such person.") from None


def known(issuer: str, subject: str) -> User | None:
    """Return the person with an issuer's subject, or `None`."""
    user_id = store.user_of(issuer, subject)
    return store.get_user(user_id) if user_id else None


def recognise(
    issuer: str,
    subject: str,
    email: str | None,
    *,
    email_verified: bool,
    name: str | None = None,
    avatar_url: str | None = None,
) -> User:
    """Store the person that an issuer describes: create a new one, or update the known one. Returns the person."""
    given = one_line(name or "")

    def attempt() -> User:
        found = known(issuer, subject)
        facts = {
            "email": email,
            "email_verified": email_verified,
            "name": given or (found.name if found else (email or "").partition("@")[0] or "Someone"),
            "avatar_url": avatar_url,
        }
        return _describe(found, facts) if found else _meet(issuer, subject, facts)

    user = again(attempt)
    assert user is not None, "nothing here is recorded before"
    return user


def _describe(found: User, facts: dict[str, Any]) -> User:
    if all(getattr(found, field) == value for field, value in facts.items()):
        return found
    changes = facts | {"updated_at": clock.stamp()}
    table.write(store.change_user(found.id, changes))
    return found.model_copy(update=changes)


def _meet(issuer: str, subject: str, facts: dict[str, Any]) -> User:
    now = clock.stamp()
    user = User.model_validate(
        {"id": ids.new("usr"), "issuer": issuer, "subject": subject, "created_at": now, "updated_at": now, **facts}
    )
    # Another request, for example of a second tab, may store this person first. The retry then finds the person.
    commit(store.put_user(user, Moved))
    return user


def places_of(cookie: Cookie) -> list[tuple[str, Key]]:
    """Return the tables and keys of a cookie's session and person, for a read together with other items."""
    return [("sessions", store.session_key(cookie.digest)), ("core", store.user_key(cookie.user_id))]


def session_from_item(item: Item) -> Session:
    """Parse a stored session."""
    return store.read_session(item)


def user_from_item(item: Item) -> User:
    """Parse a stored person."""
    return store.read_user(item)
