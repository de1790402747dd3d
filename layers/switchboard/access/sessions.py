"""Authentication by session: the person of a browser, and the permissions in the session's organization.

Nothing is cached between requests. So a new role, the removal of a member and the end of a session take effect at the
next request. One read fetches everything.
"""

from __future__ import annotations

from dataclasses import dataclass

from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.aws import attributes, reads
from switchboard.aws.attributes import Item
from switchboard.errors import Forbidden, Unauthenticated
from switchboard.kit import clock
from switchboard.people import service as people
from switchboard.people import sessions
from switchboard.people.models import ConsoleSession, User
from switchboard.people.sessions import SessionCookie
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team import members
from switchboard.team.models import Member, Membership
from switchboard.team.permissions import Permission, may


@dataclass(frozen=True, slots=True)
class SessionIdentity:
    """A person's session, with its organization and the membership there, if the person is a member."""

    cookie: SessionCookie
    session: ConsoleSession
    user: User
    organization: Organization | None
    membership: Membership | None

    @property
    def bucket(self) -> str:
        """The name of the rate limit's bucket: one for each person, in all organizations together."""
        return f"user#{self.user.id}"

    def scope(self, permission: Permission | None) -> str:
        """Return the namespace of the person's Idempotency-Keys.

        A request without a permission belongs to the person alone. It stays the same request in every organization.
        """
        place = f"{self.organization.id}#" if permission and self.organization else ""
        return f"{place}user#{self.user.id}"

    def require(self, permission: Permission) -> None:
        """Raise Forbidden unless the person's role in the organization has a permission."""
        if not self.organization or not self.membership:
            raise Forbidden(
                "You belong to no organization: create one, or accept an invite first.", code="no_organization"
            )
        if self.organization.status != "active":
            raise Forbidden("The organization is not active: contact support.", code="organization_inactive")
        if not may(self.membership.role, permission):
            raise Forbidden(
                f"The role {self.membership.role.value} does not allow this: ask an admin of the organization.",
                code="insufficient_role",
                role=self.membership.role.value,
                permission=permission.value,
            )

    def member(self, correlation_id: str, effect: IdempotencyKey | None = None) -> Member:
        """Return the authorized member who makes the request. Call `require` first."""
        assert self.organization is not None
        assert self.membership is not None
        return Member(self.organization, self.user, self.membership.role, correlation_id, effect)


def authenticate_session(text: str) -> SessionIdentity:
    """Return the session of a cookie. Raises Unauthenticated with a `code`."""
    cookie = sessions.parse_cookie(text)
    if not cookie:
        raise Unauthenticated("The session cookie is malformed: sign in again.", code="malformed")
    places = sessions.session_and_user_refs(cookie)
    if cookie.org_id:
        places += _refs_of_membership(cookie.org_id, cookie.user_id)
    found = reads.get_items_of_tables(places)
    session_item, user_item = found[:2]
    if not session_item or not user_item or session_item["user_id"] != cookie.user_id:
        raise Unauthenticated("The session is unknown or was ended: sign in again.", code="unknown")
    session, user = sessions.parse_session(session_item), people.parse_user(user_item)
    if session.over(user, clock.now_iso()):
        raise Unauthenticated("The session has expired: sign in again.", code="expired")
    if session.org_id != cookie.org_id:
        # A request switched the organization, and its response with the new cookie did not arrive.
        cookie = cookie._replace(org_id=session.org_id)
        found = [
            *found[:2],
            *(reads.get_items_of_tables(_refs_of_membership(session.org_id, user.id)) if session.org_id else ()),
        ]
    signed_in = SessionIdentity(cookie, session, user, *_parse_membership(found[2:]))
    if sessions.must_record_use(session):
        sessions.record_session_use(session)
        if signed_in.membership:
            members.record_activity(signed_in.membership, user)
    return signed_in


def _refs_of_membership(org_id: str, user_id: str) -> list[tuple[str, attributes.Key]]:
    return [("core", organizations.organization_ref(org_id)), members.member_ref(org_id, user_id)]


def _parse_membership(items: list[Item | None]) -> tuple[Organization | None, Membership | None]:
    if len(items) < 2 or not items[0] or not items[1]:
        return None, None
    return organizations.parse_organization(items[0]), members.parse_member(items[1])
