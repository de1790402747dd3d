"""A caller's own `request_id`: two requests with the same are one call, for as long as the call is kept.

It is a `Once` (switchboard.aws.effect). Unlike an Idempotency-Key it is a unique item in the call's own transaction
and has no end and no fingerprint: the second request gets the first one's call, and what else it asks for does not
count. Live and test requests are apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from switchboard.aws.effect import AlreadyDone
from switchboard.aws.table import Item, Put
from switchboard.calls import store


@dataclass(frozen=True, slots=True)
class RequestId:
    """A `request_id` of an organisation, live or test."""

    org_id: str
    mode: str
    text: str

    def marker(self, subject_id: str) -> Put:
        """The write that claims it for a call. Raises AlreadyDone at commit."""
        return store.put_request(self.org_id, self.mode, self.text, subject_id, _met)

    def require_new(self) -> None:
        """Raise AlreadyDone if a call has it."""
        known = store.request(self.org_id, self.mode, self.text)
        if known:
            raise AlreadyDone(known, "")


def _met(items: list[Item | None]) -> Exception:
    first = items[0] or {}
    return AlreadyDone(str(first["call_id"]), "")
