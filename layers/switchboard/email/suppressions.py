"""Suppressed addresses, which get no more mail from an organization: lists, adds and lifts suppressions.

A permanent bounce, a complaint, and a request to stop (`switchboard.email.unsubscribe`) also suppress an address. All
of them use the same list. The API reads it when it accepts a mail, and each claim of a mail checks it in its
transaction.
"""

from __future__ import annotations

from collections.abc import Callable

from switchboard import telemetry
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Put, Writes, commit
from switchboard.email import store
from switchboard.email.address import normalize
from switchboard.email.models import Suppression
from switchboard.email.store import find_suppression, list_suppressions
from switchboard.errors import NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock, texts
from switchboard.persistence.idempotency import IdempotencyKey, commit_once, find_earlier_effect
from switchboard.persistence.optimistic import AlreadyRecordedError, record_once

__all__ = ["find_suppression", "list_suppressions"]

_NONE = "This address is not suppressed: check its spelling."


def add_suppression(
    origin: Origin, address: str, note: str | None = None, effect: IdempotencyKey | None = None
) -> Suppression:
    """Suppresses an address. An existing suppression is not changed.

    A repeated request does not suppress an address again that was lifted meanwhile.
    """
    entry = Suppression(
        address=address, reason="manual", note=note, created_by=origin.actor.id, created_at=clock.now_iso()
    )
    try:
        commit_once(effect, texts.digest(address.lower()), suppress_address_writes(origin, entry))
    except AlreadyRecordedError:
        return store.find_suppression(origin.org_id, address) or entry
    return store.find_suppression(origin.org_id, address) or entry


def lift_suppression(origin: Origin, address: str, effect: IdempotencyKey | None = None) -> None:
    """Lifts the suppression of an address. Raises NotFound if the address is not suppressed.

    If the recipient had asked to stop, the organization is responsible for having a new request from the recipient. The
    event records who lifted the suppression.
    """
    address = _as_stored(address)
    found = store.find_suppression(origin.org_id, address)
    if found is None:
        if find_earlier_effect(effect):
            return
        raise NotFound(_NONE)
    commit_once(
        effect,
        texts.digest(address.lower()),
        store.lift_suppression_writes(origin.org_id, address, _gone),
        _event_write(origin, "email.unsuppressed", address, found.reason),
    )


def _as_stored(address: str) -> str:
    try:
        return normalize(address)
    except ValueError:
        # A text that is not an address is never stored.
        return address


def _gone(_: list[Item | None]) -> Exception:
    return NotFound(_NONE)


def suppress_address(origin: Origin, address: str, reason: str) -> bool:
    """Suppresses an address at its holder's request. Returns False if it is suppressed already."""
    entry = Suppression(address=address, reason=reason, created_by=origin.actor.id, created_at=clock.now_iso())
    return record_once(suppress_address_writes(origin, entry))


def suppress_address_writes(
    origin: Origin, entry: Suppression, otherwise: Callable[[list[Item | None]], Exception] = AlreadyRecordedError
) -> Writes:
    """The writes that suppress an address, with the event. Raises `otherwise` at commit if it is suppressed already."""
    event_write = _event_write(origin, "email.suppressed", entry.address, entry.reason)
    return [store.add_suppression_writes(origin.org_id, entry, otherwise), event_write]


def _event_write(origin: Origin, kind: str, address: str, reason: str) -> Put:
    digest = texts.digest(address.lower())
    return events.new_event_write(origin, kind, Subject(type="address", id=digest), address=digest, reason=reason)


# The platform's own mail, for example invites. This list belongs to no organization, so only an operator sees it.


def get_system_suppression(address: str) -> dict[str, str] | None:
    """Returns why and since when the platform's own mail to an address is suppressed, `None` if it is not."""
    found = store.get_system_suppression(address)
    return {"reason": str(found["reason"]), "at": str(found["at"])} if found else None


def add_system_suppression(address: str) -> None:
    """Stops the platform's own mail to an address, for all spellings of its mailbox."""
    commit(store.suppress_system_mail_writes(address, "manual"))
    telemetry.logger().warning("system mail suppressed", extra={"mailbox": texts.digest(address.lower())})


def lift_system_suppression(address: str) -> None:
    """Allows the platform's own mail to an address again. Raises NotFound if it is not suppressed."""
    lifted = store.lift_system_suppression_writes(address, _gone)
    if not lifted:
        raise NotFound(_NONE)
    commit(lifted)
    telemetry.logger().warning("system mail allowed again", extra={"mailbox": texts.digest(address.lower())})
