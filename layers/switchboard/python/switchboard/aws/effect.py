"""Effects that happen once for one Idempotency-Key, even when the answer's own record is lost.

Powertools keeps the answer outside our transaction, so a crash between the two would run the request again. A marker
in the transaction itself names what was made; the second run meets it and returns that. The marker lives as long as
the answer's record (24 h), so a key may be used anew afterwards, which an id derived from the key would not allow.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Protocol

from switchboard.aws import clock, secret, table
from switchboard.aws.table import Item, Put, Writes, commit
from switchboard.errors import Conflict

#: How long an Idempotency-Key is remembered, in seconds (the Anima contract's 24 hours).
LIFETIME = 24 * 3600


class AlreadyDone(Exception):
    """This effect was made by an earlier run of the same request. `subject_id` is what it made, with that `salt`."""

    def __init__(self, subject_id: str, salt: str) -> None:
        super().__init__(subject_id)
        self.subject_id = subject_id
        self.salt = salt


class Done(NamedTuple):
    """What an earlier run of the same request made, with the `salt` of that run."""

    subject_id: str
    salt: str


class Once(Protocol):
    """A request whose effect happens once: an Idempotency-Key's, or a caller's own id of a request."""

    def marker(self, subject_id: str) -> Put:
        """The write that claims the effect. Raises AlreadyDone at commit."""

    def require_new(self) -> None:
        """Raise AlreadyDone if an earlier run claimed the effect."""


def commit_once(once: Once | None, subject_id: str, *parts: Writes) -> Done | None:
    """Commit the parts together with the marker of the request's effect, all or nothing.

    Returns `None` when they are made now, and otherwise what an earlier run of the request made: then nothing is
    written. Raises IdempotencyMismatch for a key of another request, and whatever the commit raises. What is charged
    for is committed by `usage.commit_within`, which takes `once` too.
    """
    if once is None:
        commit(*parts)
        return None
    try:
        commit(once.marker(subject_id), *parts)
    except AlreadyDone as done:
        return Done(done.subject_id, done.salt)
    return None


def done_before(once: Once | None) -> Done | None:
    """What an earlier run of the request made, `None` for a new request.

    For a rule that would refuse the second run what the first one got. Raises IdempotencyMismatch.
    """
    if once is None:
        return None
    try:
        once.require_new()
    except AlreadyDone as done:
        return Done(done.subject_id, done.salt)
    return None


class IdempotencyMismatch(Conflict):
    """The key was used for another request."""

    code = "idempotency_mismatch"


@dataclass(frozen=True, slots=True)
class Effect:
    """A request that carries an Idempotency-Key.

    `scope` is who acts (at sign-up, the client's address); `fingerprint` stands for method, path, query and body.
    """

    scope: str
    key: str
    fingerprint: str
    salt: str = field(default_factory=lambda: secrets.token_hex(16), compare=False)

    def marker(self, subject_id: str) -> Put:
        """The write that claims the effect for `subject_id`. Raises AlreadyDone or IdempotencyMismatch at commit."""
        now = int(clock.epoch())
        return Put(
            table="idempotency",
            item={
                "id": self._id,
                "subject_id": subject_id,
                "fingerprint": self.fingerprint,
                "salt": self.salt,
                "expiration": now + LIFETIME,
            },
            condition="attribute_not_exists(id) OR expiration < :now",
            values={":now": now},
            otherwise=partial(_met, self.fingerprint),
        )

    def require_new(self) -> None:
        """Raise AlreadyDone or IdempotencyMismatch if an earlier run claimed the effect.

        For what would refuse the request before its commit: a second run must not be refused what the first one got.
        """
        found = table.get("idempotency", {"id": self._id})
        if found and found["expiration"] >= int(clock.epoch()):
            raise _met(self.fingerprint, [found])

    @property
    def _id(self) -> str:
        return f"effect#{self.scope}#{secret.digest(self.key)}"

    def seed(self, label: str, salt: str | None = None) -> bytes:
        """Bytes for a secret that a second run must make again: only this deployment and this key's holder can.

        The second run gives the salt of the first, which it meets at commit. Without the salt a key that is used
        anew, after its lifetime, would make the old secret.
        """
        return secret.derive("effect", self.scope, self.key, salt or self.salt, label)


def _met(fingerprint: str, items: list[Item | None]) -> Exception:
    marker = items[0] or {}
    if marker.get("fingerprint") == fingerprint:
        return AlreadyDone(str(marker["subject_id"]), str(marker["salt"]))
    return IdempotencyMismatch("This Idempotency-Key was used for another request.")
