"""Authentication by session: the person of a browser, and the permissions in the session's organization.

Nothing is cached between requests. So a new role, the removal of a member and the end of a session take effect at the
next request. One read fetches everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.aws import reads
from switchboard.aws.reads import Ref
from switchboard.errors import Forbidden, Unauthenticated
from switchboard.people import service as people
from switchboard.people import sessions
from switchboard.people.models import ConsoleSession, User
from switchboard.people.sessions import SessionCookie
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team import members
from switchboard.team.models import Member, Membership, require_permission
from switchboard.team.permissions import Permission


@dataclass(frozen=True, slots=True)
class SessionIdentity:
    """A person's session, with its organization and the membership there, if the person is a member.

    `beside` are the objects that the operation reads together with the session.
    """

    cookie: SessionCookie
    session: ConsoleSession
    user: User
    organization: Organization | None
    membership: Membership | None
    beside: Sequence[Any] = ()

    @property
    def bucket(self) -> str:
        """The name of the rate limit's bucket: one for each person, in all organizations together."""
        return f"user#{self.user.id}"

    def idempotency_scope(self, permission: Permission | None) -> str:
        """Returns the namespace of the person's Idempotency-Keys.

        A request without a permission belongs to the person alone. It stays the same request in every organization.
        """
        place = f"{self.organization.id}#" if permission and self.organization else ""
        return f"{place}user#{self.user.id}"

    def require_permission(self, permission: Permission) -> None:
        """Raises Forbidden unless the person's role in the organization has a permission."""
        if not self.organization or not self.membership:
            raise Forbidden(
                "You belong to no organization: create one, or accept an invite first.", code="no_organization"
            )
        if self.organization.status != "active":
            raise Forbidden("The organization is not active: contact support.", code="organization_inactive")
        require_permission(self.membership.role, permission)

    def to_member(self, correlation_id: str, effect: IdempotencyKey | None = None) -> Member:
        """Returns the authorized member who makes the request. Call `require_permission` first."""
        assert self.organization is not None
        assert self.membership is not None
        return Member(self.organization, self.user, self.membership.role, correlation_id, effect)


#: References by the ids of the organization and the person.
Beside = Callable[[str, str], Sequence[Ref[Any]]]


def authenticate_session(text: str, beside: Beside | None = None) -> SessionIdentity:
    """Returns the session of a cookie, and records its use. Raises Unauthenticated with a `code`."""
    signed_in = read_session(text, beside)
    if sessions.must_record_use(signed_in.session):
        sessions.record_session_use(signed_in.session)
        if signed_in.membership:
            members.record_activity(signed_in.membership, signed_in.user)
    return signed_in


def read_session(text: str, beside: Beside | None = None) -> SessionIdentity:
    """Returns the session of a cookie without recording a use. Raises Unauthenticated with a `code`.

    `beside` is read in the same request. A cookie is no proof, so its ids select only what its session may read: a
    session of another person is refused, and one of another organization reads again.
    """
    cookie = sessions.parse_cookie(text)
    if not cookie:
        raise Unauthenticated("The session cookie is malformed: sign in again.", code="malformed")
    session, user, org, membership, *others = reads.read_refs(
        sessions.session_ref(cookie.digest),
        people.user_ref(cookie.user_id),
        *_membership_refs(cookie),
        *_refs_beside(cookie, beside),
    )
    if not session or not user or session.user_id != cookie.user_id:
        raise Unauthenticated("The session is unknown or was ended: sign in again.", code="unknown")
    if sessions.is_over(session, user):
        raise Unauthenticated("The session has expired: sign in again.", code="expired")
    if session.org_id != cookie.org_id:
        # A request switched the organization, and its response with the new cookie did not arrive.
        cookie = cookie._replace(org_id=session.org_id)
        org, membership, *others = reads.read_refs(*_membership_refs(cookie), *_refs_beside(cookie, beside))
    if not org or not membership:
        org, membership, others = None, None, []
    return SessionIdentity(cookie, session, user, org, membership, others)


def _refs_beside(cookie: SessionCookie, beside: Beside | None) -> Sequence[Ref[Any]]:
    return beside(cookie.org_id, cookie.user_id) if beside and cookie.org_id else ()


def _membership_refs(cookie: SessionCookie) -> tuple[Ref[Organization] | None, Ref[Membership] | None]:
    """Returns the references to the cookie's organization and to the membership there, if it names one."""
    if not cookie.org_id:
        return None, None
    return organizations.organization_ref(cookie.org_id), members.member_ref(cookie.org_id, cookie.user_id)
