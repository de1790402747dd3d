"""The guards of streams: may this watcher still see its source?

A guard is asked at the opening (by the request that opens the stream) and at every look of the feed. An API key is the
first. The second is a console session: its check reads the session, the membership and the role, and writes nothing,
since a check is no use of the session.
"""

from __future__ import annotations

from typing import Protocol

from switchboard.access import service as access
from switchboard.accounts.models import KeyKind


class Guard(Protocol):
    """What lets a client watch."""

    @property
    def id(self) -> str:
        """Names who watches. Guards with the same id are checked once a look, for all their streams."""

    def check(self) -> None:
        """Return while the client may watch. Raises Unauthenticated or Forbidden, whose message the client is shown.

        Any other exception means that nobody knows: the feed then shows nothing, and asks again.
        """


class KeyGuard:
    """An API key, used from one address."""

    def __init__(self, key_id: str, text: str, kinds: frozenset[KeyKind], address: str) -> None:
        self.key_id = key_id
        self._text, self._kinds, self._address = text, kinds, address

    @property
    def id(self) -> str:
        """The key and the address: a key may be restricted to addresses."""
        return f"{self.key_id} {self._address}"

    def check(self) -> None:
        """Authenticate as the request did. Raises Unauthenticated or Forbidden."""
        access.authenticate(self._text, self._kinds, self._address)
