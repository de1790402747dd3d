"""Reads and changes numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from switchboard.aws.writes import Writes
from switchboard.errors import Invalid, NotFound
from switchboard.events.models import Origin
from switchboard.kit import clock
from switchboard.numbers import records, store
from switchboard.numbers.a2p import A2pStatus
from switchboard.numbers.jobs import ConfigureNumber
from switchboard.numbers.models import Number
from switchboard.numbers.store import (
    active_number_check,
    holder_ref,
    list_number_page,
    list_numbers,
    list_numbers_from,
    list_numbers_of_flow,
    number_ref,
)
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.persistence.optimistic import Decision
from switchboard.timers import service as timers

__all__ = [
    "active_number_check",
    "holder_ref",
    "list_number_page",
    "list_numbers",
    "list_numbers_from",
    "list_numbers_of_flow",
    "number_ref",
]

_ID = re.compile(f"{store.ID_PREFIX}[0-9a-z]{{26}}")


def get_number(org_id: str, number_id: str) -> Number:
    """Returns the organization's number with this id. Raises NotFound."""
    found = store.NUMBERS.get_object(org_id, number_id) if _ID.fullmatch(number_id) else None
    if not found:
        raise NotFound("There is no such number: check its id.")
    return found


def list_newest_numbers(org_id: str, limit: int) -> list[Number]:
    """Returns the organization's newest numbers, also released ones: all of them, if it has at most `limit`."""
    return store.list_number_page(org_id, limit, None)[0]


def find_numbers(places: Sequence[tuple[str, str]]) -> Sequence[Number | None]:
    """Returns the numbers of up to 100 pairs of organization and id, in the same order, for a worker."""
    return store.NUMBERS.get_objects(places)


def find_number(number_id: str) -> Number | None:
    """Returns the number with this id of any organization, None if there is none. For callbacks and workers."""
    if not _ID.fullmatch(number_id):
        return None
    org_id = store.find_org_of_number(number_id)
    return store.NUMBERS.get_object(org_id, number_id) if org_id else None


def find_number_by_e164(e164: str) -> Number | None:
    """Returns the active number of any organization with this telephone number, None if there is none."""
    holder = store.find_holder(e164)
    found = store.NUMBERS.get_object(*holder) if holder else None
    return found if found and found.active else None


def find_owner(e164: str) -> str | None:
    """Returns the id of the organization that has this telephone number, in one read. None if no organization has it.

    A number that is being bought has an owner too.
    """
    holder = store.find_holder(e164)
    return holder.org_id if holder else None


def update_number(
    origin: Origin,
    number_id: str,
    changes: dict[str, Any],
    extra: Sequence[Writes] = (),
    effect: IdempotencyKey | None = None,
) -> Number:
    """Changes `friendly_name`, `flow_id` or `sms_flow_id` of a number. Missing fields stay. A
    blank name becomes the telephone number.

    `extra` are the writes that guard the flows. Raises NotFound, and Invalid for a flow of a released number
    or of a number without calls or texts.
    """
    known = get_number(origin.org_id, number_id)

    def decide(before: Number) -> Decision[Number]:
        wanted = dict(changes)
        if "friendly_name" in wanted:
            wanted["friendly_name"] = wanted["friendly_name"] or before.e164
        given = {name: value for name, value in wanted.items() if getattr(before, name) != value}
        if not before.active and (given.get("flow_id") or given.get("sms_flow_id")):
            raise _number_released()
        records.require_abilities(before.capabilities, given.get("flow_id"), given.get("sms_flow_id"))
        if not given:
            return None
        after = next_version(before, **given)
        job = ConfigureNumber(org_id=after.org_id, number_id=after.id) if "friendly_name" in given else None
        return after, [
            store.moved_entry_writes(before, after),
            records.number_event_write(origin, "number.updated", after),
            timers.job_write(job) if job and after.active else None,
            extra,
        ]

    changed = store.NUMBERS.change_object(known.org_id, known.id, decide, effect)
    return changed or get_number(origin.org_id, number_id)


def set_a2p_status(
    origin: Origin, number_id: str, status: A2pStatus, claimed_until: str | None = None
) -> Number | None:
    """Records the state of a number's registration. Returns `None` if nothing changes, or if the number is released.

    The claim of the worker that asked the registry ends, or holds until its next attempt.
    """

    def decide(before: Number) -> Decision[Number]:
        if not before.active or (before.a2p_status, before.a2p_claimed_until) == (status, claimed_until):
            return None
        if before.a2p_status == status:
            return before.model_copy(update=_new_claim(before, claimed_until)), []
        after = next_version(before, a2p_status=status.value, a2p_claimed_until=claimed_until)
        return after, records.a2p_event_write(origin, after)

    return store.NUMBERS.change_object(origin.org_id, number_id, decide)


def claim_registration(org_id: str, number_id: str, longest: timedelta) -> Number | None:
    """Claims a number for the worker that adds it to a campaign, for the time that this may take.

    Returns `None` if the number is released or registered, or if another job has the claim.
    """

    def decide(before: Number) -> Decision[Number]:
        now = clock.now()
        if not before.active or before.a2p_status == A2pStatus.REGISTERED:
            return None
        if before.a2p_claimed_until and clock.parse(before.a2p_claimed_until) > now:
            return None
        return before.model_copy(update=_new_claim(before, clock.format_iso(now + longest))), []

    return store.NUMBERS.change_object(org_id, number_id, decide)


def _new_claim(before: Number, until: str | None) -> dict[str, Any]:
    # For its owner the number stays as it is, so `updated_at` stays too.
    return {"a2p_claimed_until": until, "version": before.version + 1}


def _number_released() -> Invalid:
    return Invalid(
        "This number was released: a flow can only be assigned to a number that the organization still has.",
        code="number_released",
        fields={"flow_id": "cannot be set on a released number"},
    )
