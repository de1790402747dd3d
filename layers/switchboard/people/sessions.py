"""A person's sessions in the console, and the cookie that opens them."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from switchboard import telemetry
from switchboard.aws import writes
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import ConditionFailedError, Update, commit
from switchboard.errors import NotFound, Unauthenticated
from switchboard.kit import clock, settings, texts
from switchboard.people import store
from switchboard.people.models import ConsoleSession, User
from switchboard.people.store import session_ref

__all__ = ["session_ref"]

#: The lifetime of an unused session, and the maximum lifetime of any session, in seconds.
IDLE_SECONDS, MAX_SESSION_SECONDS = 12 * 3_600, 7 * 86_400
#: The minimum time between two records of a session's use.
_USE_RECORDED_EVERY = timedelta(minutes=5)
_SECRET_BYTES = 32
_COOKIE = re.compile(r"([A-Za-z0-9_-]{43})\.(usr_[0-9a-z]{26})\.(org_[0-9a-z]{26}|-)")


class SessionCookie(NamedTuple):
    """A browser's session cookie: the session's secret, and the ids of its person and organization.

    Only the secret grants access. The ids let one read fetch the session with its person and organization.
    """

    secret: str
    user_id: str
    org_id: str | None

    @property
    def digest(self) -> str:
        """The stored digest of the secret."""
        return texts.digest(self.secret)

    def __str__(self) -> str:
        return f"{self.secret}.{self.user_id}.{self.org_id or '-'}"


def parse_cookie(text: str) -> SessionCookie | None:
    """Parses a cookie. Returns `None` if it is malformed."""
    found = _COOKIE.fullmatch(text)
    return SessionCookie(found[1], found[2], None if found[3] == "-" else found[3]) if found else None


def max_session_seconds() -> int:
    """Returns the maximum lifetime of a session, in seconds."""
    return settings.number("SESSION_SECONDS", MAX_SESSION_SECONDS)


def open_session(user: User, org_id: str | None) -> SessionCookie:
    """Begins a session that works in an organization, if the person has one."""
    cookie = SessionCookie(secrets.token_urlsafe(_SECRET_BYTES), user.id, org_id)
    now = clock.now()
    session = ConsoleSession(
        digest=cookie.digest,
        user_id=user.id,
        org_id=org_id,
        created_at=clock.format_iso(now),
        seen_at=clock.format_iso(now),
        idle_at=clock.format_iso(now + _max_idle_time()),
        expires_at=clock.format_iso(now + timedelta(seconds=max_session_seconds())),
    )
    writes.write_item(store.session_write(session))
    return cookie


def _max_idle_time() -> timedelta:
    return timedelta(seconds=settings.number("SESSION_IDLE_SECONDS", IDLE_SECONDS))


def switch_organization_writes(cookie: SessionCookie, org_id: str) -> list[Update]:
    """Returns the writes that switch a session to another organization. They raise Unauthenticated if it has ended."""
    return [
        replace(store.session_change_write(cookie.digest, {"org_id": org_id}), otherwise=_session_ended),
        store.user_change_write(cookie.user_id, {"last_org_id": org_id}),
    ]


def switch_organization(cookie: SessionCookie, org_id: str) -> None:
    """Switches a session to another organization. Raises Unauthenticated if it has ended."""
    commit(switch_organization_writes(cookie, org_id))


def _session_ended(_: list[Item | None]) -> Exception:
    return Unauthenticated("The session was ended: sign in again.", code="unknown")


def is_over(session: ConsoleSession, user: User) -> bool:
    """Whether a session has ended."""
    ended = min(session.idle_at, session.expires_at) <= clock.now_iso()
    return ended or (user.signed_out_at or "") >= session.created_at


def must_record_use(session: ConsoleSession) -> bool:
    """Whether the next use of a session must be recorded."""
    return clock.parse(session.seen_at) < clock.now() - _USE_RECORDED_EVERY


def record_session_use(session: ConsoleSession) -> None:
    """Records that a session is used, and extends it. Best effort: a failure here never fails the request."""
    now = clock.now()
    try:
        writes.write_item(
            store.session_change_write(
                session.digest, {"seen_at": clock.format_iso(now), "idle_at": clock.format_iso(now + _max_idle_time())}
            )
        )
    except ConditionFailedError:
        pass  # the session ended during this request
    except Exception:  # noqa: BLE001 the request continues after any failure
        telemetry.emit_metric("SessionUseNotNoted")


def sign_out(cookie: SessionCookie) -> None:
    """Ends a session. Ending an ended session changes nothing."""
    writes.write_item(store.session_delete_write(cookie.digest))


def sign_out_everywhere(user_id: str) -> None:
    """Ends all of a person's sessions. Raises NotFound."""
    try:
        writes.write_item(store.user_change_write(user_id, {"signed_out_at": clock.now_iso()}))
    except ConditionFailedError:
        raise NotFound("There is no such person: check its id.") from None
