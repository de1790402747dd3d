"""The guards of streams: they check that a client may still see its source.

The request that opens a stream checks its guard, and every poll of the feed checks it again.
"""

from __future__ import annotations

from typing import Protocol

from switchboard.access import keys as access
from switchboard.access.sessions import read_session
from switchboard.accounts.models import KeyKind
from switchboard.errors import Forbidden
from switchboard.kit import texts
from switchboard.team.permissions import Permission


class StreamGuard(Protocol):
    """Permits a client to watch a source."""

    @property
    def id(self) -> str:
        """The id of the client. Each poll checks guards with the same id once, for all their streams."""

    def require_access(self) -> None:
        """Returns while the client may watch. Raises Unauthenticated or Forbidden; the client sees their message.

        Any other exception means that the answer is unknown. The feed then shows nothing, and checks again.
        """


class KeyGuard:
    """An API key, used from one address."""

    def __init__(self, key_id: str, text: str, kinds: frozenset[KeyKind], address: str) -> None:
        self.key_id = key_id
        self._text, self._kinds, self._address = text, kinds, address

    @property
    def id(self) -> str:
        """The key and the IP address, because a key may be restricted to addresses."""
        return f"{self.key_id} {self._address}"

    def require_access(self) -> None:
        """Authenticates like the request. Raises Unauthenticated or Forbidden."""
        access.authenticate_key(self._text, self._kinds, self._address)


class SessionGuard:
    """A person's session in an organization. A check is not a use of the session, so it writes nothing."""

    def __init__(self, org_id: str, text: str, permission: Permission) -> None:
        self._org_id, self._text, self._permission = org_id, text, permission

    @property
    def id(self) -> str:
        """The digest of the session's cookie, with the organization."""
        return f"{self._org_id} {texts.digest(self._text)}"

    def require_access(self) -> None:
        """Reads the session, the membership and the role. Raises Unauthenticated or Forbidden."""
        signed_in = read_session(self._text)
        signed_in.require_permission(self._permission)
        if signed_in.organization is None or signed_in.organization.id != self._org_id:
            raise Forbidden("Your session moved to another organization: open it again.", code="other_organization")
