"""A caller's own `request_id`: requests with the same id are one call, as long as the call is stored.

A `RequestId` is an `IdempotencyGuard` (`switchboard.persistence.idempotency`). Unlike an Idempotency-Key it is a unique
item in the transaction of the call, without an end and without a fingerprint. A second request returns the first one's
call, and its other fields are ignored. Live and test requests do not share ids.
"""

from __future__ import annotations

from dataclasses import dataclass

from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Put
from switchboard.calls import store
from switchboard.persistence.idempotency import AlreadyDoneError


@dataclass(frozen=True, slots=True)
class RequestId:
    """A `request_id` of an organization, live or test."""

    org_id: str
    mode: str
    text: str

    def marker_write(self, subject_id: str) -> Put:
        """Returns the write that claims the id for a call. Raises AlreadyDoneError at commit."""
        return store.request_id_writes(self.org_id, self.mode, self.text, subject_id, _met)

    def require_new(self) -> None:
        """Raises AlreadyDoneError if a call has the id."""
        known = store.get_call_id_of_request(self.org_id, self.mode, self.text)
        if known:
            raise AlreadyDoneError(known, "")


def _met(items: list[Item | None]) -> Exception:
    first = items[0] or {}
    return AlreadyDoneError(str(first["call_id"]), "")
