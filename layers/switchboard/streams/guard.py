"""The guards of streams: they check that a client may still see its source.

The request that opens a stream checks its guard, and every poll of the feed checks it again. The guard of an API key is
below. A guard for console sessions reads the session, the membership and the role. It must not write, because a check
does not count as a use of the session.
"""

from __future__ import annotations

from typing import Protocol

from switchboard.access import keys as access
from switchboard.accounts.models import KeyKind


class StreamGuard(Protocol):
    """Permits a client to watch a source."""

    @property
    def id(self) -> str:
        """The id of the client. Each poll checks guards with the same id once, for all their streams."""

    def check(self) -> None:
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

    def check(self) -> None:
        """Authenticates like the request. Raises Unauthenticated or Forbidden."""
        access.authenticate_key(self._text, self._kinds, self._address)
