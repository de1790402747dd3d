"""Addresses that get no more mail of an organization: seen, added, and lifted again.

A bounce for good, a complaint, and whoever asks to stop (switchboard.email.unsubscribing) enter an address as well.
Every way leads to the same list, which acceptance reads and each claim of a mail checks in its transaction.
"""

from __future__ import annotations

from collections.abc import Callable

from switchboard import telemetry
from switchboard.aws import clock, secret
from switchboard.aws.effect import Effect, commit_once, done_before
from switchboard.aws.table import Item, Writes, commit
from switchboard.email import store
from switchboard.email.address import normalise
from switchboard.email.models import Suppression
from switchboard.errors import NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit.change import Recorded, record

_NONE = "Mail to this address is not suppressed."


def list_suppressions(org_id: str, limit: int, after: str | None = None) -> tuple[list[Suppression], str | None]:
    """A page of the suppressions, in an order that stays, and the cursor of the next. Raises Invalid for a bad one."""
    return store.list_suppressions(org_id, limit, after)


def find_suppression(org_id: str, address: str) -> Suppression | None:
    """The entry of an address that gets no mail, `None` for one that gets it."""
    return store.get_suppression(org_id, address)


def add_suppression(origin: Origin, address: str, note: str | None = None, effect: Effect | None = None) -> Suppression:
    """Stop mail to an address. One that gets none already keeps its entry.

    A request that is made again stops nothing that was lifted meanwhile.
    """
    entry = Suppression(
        address=address, reason="manual", note=note, created_by=origin.actor.id, created_at=clock.stamp()
    )
    try:
        commit_once(effect, secret.digest(address.lower()), stop_writes(origin, entry))
    except Recorded:
        return store.get_suppression(origin.org_id, address) or entry
    return store.get_suppression(origin.org_id, address) or entry


def lift_suppression(origin: Origin, address: str, effect: Effect | None = None) -> None:
    """Let an address get mail again. Raises NotFound for one that gets some.

    For one that asked to stop, the organization answers for having been asked for mail again: the event says by whom.
    """
    address = _as_stored(address)
    found = store.get_suppression(origin.org_id, address)
    if found is None:
        if done_before(effect):
            return
        raise NotFound(_NONE)
    event = _event(origin, "email.unsuppressed", address, found.reason)
    commit_once(effect, event.subject.id, store.lift_suppression(origin.org_id, address, _gone), events.record(event))


def _as_stored(address: str) -> str:
    try:
        return normalise(address)
    except ValueError:
        # Nothing is stored of what is no address.
        return address


def _gone(_: list[Item | None]) -> Exception:
    return NotFound(_NONE)


def stop(origin: Origin, address: str, reason: str) -> bool:
    """Stop mail to an address whose holder asked for it. Returns False where it is stopped already."""
    entry = Suppression(address=address, reason=reason, created_by=origin.actor.id, created_at=clock.stamp())
    return record(stop_writes(origin, entry))


def stop_writes(
    origin: Origin, entry: Suppression, otherwise: Callable[[list[Item | None]], Exception] = Recorded
) -> Writes:
    """The writes that stop mail to an address, with the event. They fail by `otherwise` where it is stopped."""
    event = _event(origin, "email.suppressed", entry.address, entry.reason)
    return [store.enter_suppression(origin.org_id, entry, otherwise), events.record(event)]


def _event(origin: Origin, kind: str, address: str, reason: str) -> events.Event:
    digest = secret.digest(address.lower())
    return events.of(origin, kind, Subject(type="address", id=digest), address=digest, reason=reason)


# The platform's own mail: invites, for one. No organization's list, so that only an operator sees it.


def system_suppression(address: str) -> dict[str, str] | None:
    """Why an address gets no mail of the platform's own, and since when; `None` for one that gets it."""
    found = store.get_unreachable(address)
    return {"reason": str(found["reason"]), "at": str(found["at"])} if found else None


def add_system_suppression(address: str) -> None:
    """Stop mail of the platform's own to an address, in whichever way its mailbox is written."""
    commit(store.suppress_system_mail(address, "manual"))
    telemetry.logger().warning("system mail suppressed", extra={"mailbox": secret.digest(address.lower())})


def lift_system_suppression(address: str) -> None:
    """Let an address get mail of the platform's own again. Raises NotFound for one that gets it."""
    lifted = store.lift_system_suppression(address, _gone)
    if not lifted:
        raise NotFound(_NONE)
    commit(lifted)
    telemetry.logger().warning("system mail allowed again", extra={"mailbox": secret.digest(address.lower())})
