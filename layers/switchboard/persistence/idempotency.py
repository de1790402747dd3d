"""Effects that happen once for one Idempotency-Key, even when the stored response is lost.

Powertools stores the response outside our transaction, so a crash between the two would run the request again. A marker
in the transaction itself names the created object. The second run finds the marker and returns that object. The marker
lives as long as the stored response (24 h), so that a key may be used again afterwards. An id derived from the key
would not allow that.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Protocol

from switchboard.aws import reads, secret
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Put, Write, Writes, commit
from switchboard.errors import Conflict
from switchboard.kit import clock, texts

#: How long an Idempotency-Key is remembered, in seconds: 24 hours (docs/contracts/common.md#idempotency).
KEY_LIFETIME_SECONDS = 24 * 3600


class AlreadyDoneError(Exception):
    """An earlier run of the same request made this effect. `subject_id` is the object of that run, `salt` its salt."""

    def __init__(self, subject_id: str, salt: str) -> None:
        super().__init__(subject_id)
        self.subject_id = subject_id
        self.salt = salt


class EarlierEffect(NamedTuple):
    """The object that an earlier run of the same request made, with the `salt` of that run."""

    subject_id: str
    salt: str


class IdempotencyGuard(Protocol):
    """A request with an effect that happens once: it has an Idempotency-Key, or the caller's own request id."""

    def marker_write(self, subject_id: str) -> Write:
        """Returns the write that claims the effect. Raises AlreadyDoneError at commit."""

    def require_new(self) -> None:
        """Raises AlreadyDoneError if an earlier run claimed the effect."""


def commit_once(once: IdempotencyGuard | None, subject_id: str, *parts: Writes) -> EarlierEffect | None:
    """Commits the parts together with the marker of the request's effect, all or nothing.

    Returns `None` after a commit. Returns the object of an earlier run of the request otherwise, and writes nothing
    then. Raises IdempotencyMismatch for a key of another request, and all errors of the commit. Code that charges for
    an effect calls `usage.charges.commit_within` instead, which takes `once` too.
    """
    if once is None:
        commit(*parts)
        return None
    try:
        commit(once.marker_write(subject_id), *parts)
    except AlreadyDoneError as done:
        return EarlierEffect(done.subject_id, done.salt)
    return None


def find_earlier_effect(once: IdempotencyGuard | None) -> EarlierEffect | None:
    """Returns the object that an earlier run of the request made, `None` for a new request.

    Call it before a rule that would refuse the second run, although the first run succeeded. Raises
    IdempotencyMismatch.
    """
    if once is None:
        return None
    try:
        once.require_new()
    except AlreadyDoneError as done:
        return EarlierEffect(done.subject_id, done.salt)
    return None


class IdempotencyMismatch(Conflict):
    """The key was used for another request."""

    code = "idempotency_mismatch"


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A request that carries an Idempotency-Key.

    `scope` identifies the actor (at sign-up, the client's address). `fingerprint` is a digest of method, path, query
    and body.
    """

    scope: str
    key: str
    fingerprint: str
    salt: str = field(default_factory=lambda: secrets.token_hex(16), compare=False)

    def marker_write(self, subject_id: str) -> Put:
        """Returns the write that claims the effect for `subject_id`.

        Raises AlreadyDoneError or IdempotencyMismatch at commit.
        """
        now = int(clock.epoch())
        return Put(
            table="idempotency",
            item={
                "id": self._id,
                "subject_id": subject_id,
                "fingerprint": self.fingerprint,
                "salt": self.salt,
                "expiration": now + KEY_LIFETIME_SECONDS,
            },
            condition="attribute_not_exists(id) OR expiration < :now",
            values={":now": now},
            otherwise=partial(_met, self.fingerprint),
        )

    def require_new(self) -> None:
        """Raises AlreadyDoneError or IdempotencyMismatch if an earlier run claimed the effect.

        Call it before a check that may refuse the request: a second run must get the result of the first.
        """
        found = reads.get_item("idempotency", {"id": self._id})
        if found and found["expiration"] >= int(clock.epoch()):
            raise _met(self.fingerprint, [found])

    @property
    def _id(self) -> str:
        return f"effect#{self.scope}#{texts.digest(self.key)}"

    def derive_seed(self, label: str, salt: str | None = None) -> bytes:
        """Returns bytes for a secret that a second run must reproduce. They need the root secret and the key's text.

        The second run passes the salt of the first, which the marker holds. Without the salt, a key that is used again
        after 24 hours would produce the old secret.
        """
        return secret.derive("effect", self.scope, self.key, salt or self.salt, label)


def _met(fingerprint: str, items: list[Item | None]) -> Exception:
    marker = items[0] or {}
    if marker.get("fingerprint") == fingerprint:
        return AlreadyDoneError(str(marker["subject_id"]), str(marker["salt"]))
    return IdempotencyMismatch("This Idempotency-Key was used for another request: use a new key.")
