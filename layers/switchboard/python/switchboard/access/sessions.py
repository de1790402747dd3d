"""Authentication by session: the person of a browser, and the permissions in the session's organization.

Nothing is cached between requests. So a new role, the removal of a member and the end of a session take effect at the
next request. One read fetches everything.
"""

from __future__ import annotations

from dataclasses import dataclass

from switchboard.accounts import service as accounts
from switchboard.accounts.models import Organisation
from switchboard.aws import clock, table
from switchboard.aws.effect import Effect
from switchboard.aws.table import Item
from switchboard.errors import Forbidden, Unauthenticated
from switchboard.people import service as people
from switchboard.people.models import Session, User
from switchboard.people.service import Cookie
from switchboard.team import members
from switchboard.team.models import Member, Membership
from switchboard.team.permissions import Permission, may


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person's session, with its organization and the membership there, if the person is a member."""

    cookie: Cookie
    session: Session
    user: User
    organisation: Organisation | None
    membership: Membership | None

    @property
    def bucket(self) -> str:
        """The name of the rate limit's bucket: one for each person, in all organizations together."""
        return f"user#{self.user.id}"

    def scope(self, permission: Permission | None) -> str:
        """Return the namespace of the person's Idempotency-Keys.

        A request without a permission belongs to the person alone. It stays the same request in every organization.
        """
        place = f"{self.organisation.id}#" if permission and self.organisation else ""
        return f"{place}user#{self.user.id}"

    def require(self, permission: Permission) -> None:
        """Raise Forbidden unless the person's role in the organization has a permission."""
        if not self.organisation or not self.membership:
            raise Forbidden(
                "You belong to no organization: create one, or accept an invite first.", code="no_organization"
            )
        if self.organisation.status != "active":
            raise Forbidden("The organization is not active: contact support.", code="organization_inactive")
        if not may(self.membership.role, permission):
            raise Forbidden(
                f"The role {self.membership.role.value} does not allow this: ask an admin of the organization.",
                code="insufficient_role",
                role=self.membership.role.value,
                permission=permission.value,
            )

    def member(self, correlation_id: str, effect: Effect | None = None) -> Member:
        """Return the authorized member who makes the request. Call `require` first."""
        assert self.organisation is not None
        assert self.membership is not None
        return Member(self.organisation, self.user, self.membership.role, correlation_id, effect)


def authenticate(text: str) -> SignedIn:
    """Return the session of a cookie. Raises Unauthenticated with a `code`."""
    cookie = people.read_cookie(text)
    if not cookie:
        raise Unauthenticated("The session cookie is malformed: sign in again.", code="malformed")
    places = people.places_of(cookie)
    if cookie.org_id:
        places += _places_of(cookie.org_id, cookie.user_id)
    found = table.get_across(places)
    session_item, user_item = found[:2]
    if not session_item or not user_item or session_item["user_id"] != cookie.user_id:
        raise Unauthenticated("The session is unknown or was ended: sign in again.", code="unknown")
    session, user = people.session_from_item(session_item), people.user_from_item(user_item)
    if session.over(user, clock.stamp()):
        raise Unauthenticated("The session has expired: sign in again.", code="expired")
    if session.org_id != cookie.org_id:
        # A request switched the organization, and its response with the new cookie did not arrive.
        cookie = cookie._replace(org_id=session.org_id)
        found = [*found[:2], *(table.get_across(_places_of(session.org_id, user.id)) if session.org_id else ())]
    signed_in = SignedIn(cookie, session, user, *_place(found[2:]))
    if people.due(session):
        people.note_use(session)
        if signed_in.membership:
            members.note_activity(signed_in.membership, user)
    return signed_in


def _places_of(org_id: str, user_id: str) -> list[tuple[str, table.Key]]:
    return [("core", accounts.org_key_of(org_id)), members.member_key_of(org_id, user_id)]


def _place(items: list[Item | None]) -> tuple[Organisation | None, Membership | None]:
    if len(items) < 2 or not items[0] or not items[1]:
        return None, None
    return accounts.org_from_item(items[0]), members.member_from_item(items[1])
