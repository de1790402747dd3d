"""Effects that happen once for one Idempotency-Key, even when the answer's own record is lost.

Powertools keeps the answer outside our transaction, so a crash between the two would run the request again. A marker
in the transaction itself names what was made; the second run meets it and returns that. The marker lives as long as
the answer's record (24 h), so a key may be used anew afterwards, which an id derived from the key would not allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from switchboard.aws import clock, secret
from switchboard.aws.table import Item, Put
from switchboard.errors import Conflict

#: How long an Idempotency-Key is remembered, in seconds (the Anima contract's 24 hours).
LIFETIME = 24 * 3600


class AlreadyDone(Exception):
    """This effect was made by an earlier run of the same request. `subject_id` is what it made."""

    def __init__(self, subject_id: str) -> None:
        super().__init__(subject_id)
        self.subject_id = subject_id


class IdempotencyMismatch(Conflict):
    """The key was used for another request."""

    code = "idempotency_mismatch"


@dataclass(frozen=True, slots=True)
class Effect:
    """A request that carries an Idempotency-Key.

    `scope` is the organisation (at sign-up, the client's address); `fingerprint` stands for method, path and body.
    """

    scope: str
    key: str
    fingerprint: str

    def marker(self, subject_id: str) -> Put:
        """The write that claims the effect for `subject_id`. Raises AlreadyDone or IdempotencyMismatch at commit."""
        now = int(clock.epoch())
        return Put(
            table="idempotency",
            item={
                "id": f"effect#{self.scope}#{secret.digest(self.key)}",
                "subject_id": subject_id,
                "fingerprint": self.fingerprint,
                "expiration": now + LIFETIME,
            },
            condition="attribute_not_exists(id) OR expiration < :now",
            values={":now": now},
            otherwise=partial(_met, self.fingerprint),
        )

    def seed(self, label: str) -> bytes:
        """Bytes for a secret that a second run must make again: only this deployment and this key's holder can."""
        return secret.derive("effect", self.scope, self.key, label)


def _met(fingerprint: str, items: list[Item | None]) -> Exception:
    marker = items[0] or {}
    if marker.get("fingerprint") == fingerprint:
        return AlreadyDone(str(marker.get("subject_id")))
    return IdempotencyMismatch("This Idempotency-Key was used for another request.")
