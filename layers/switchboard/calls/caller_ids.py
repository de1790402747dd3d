"""Chooses the number that a console's call shows: one that the organization has, and that may place calls."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from switchboard.accounts.models import Organization
from switchboard.calls import acceptance
from switchboard.errors import Invalid, NotFound
from switchboard.flows.models import Flow
from switchboard.kit.background import BackgroundTask
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number

#: How many numbers are read with the flow: all of a usual organization, for at most three read units.
_READ_WITH_FLOW = 20


class CallerId(NamedTuple):
    """The number that a call shows, and its id if it is one of the organization's `numbers`."""

    e164: str
    number_id: str | None = None


def require_number(org_id: str, number_id: str) -> CallerId:
    """Returns a number that a request names. Raises Invalid unless it is the organization's and can place calls."""
    found = _find_usable(org_id, number_id)
    if found is None:
        problem = "must be the id of an active number of the organization that can place calls"
        raise Invalid(
            f"Invalid caller ID: caller_id_number_id {problem}.",
            code="invalid_caller_id",
            fields={"caller_id_number_id": problem},
        )
    return CallerId(found.e164, found.id)


def read_newest_numbers(org_id: str) -> BackgroundTask[list[Number]]:
    """Returns the started task that reads numbers while the flow is read, which names one of them."""
    task = BackgroundTask(partial(numbers.list_newest_numbers, org_id, _READ_WITH_FLOW))
    task.start()
    return task


def choose_number(
    org: Organization, flow: Flow, *, simulated: bool, known: Sequence[Number] = (), of_request: bool = True
) -> CallerId:
    """Returns the flow's number, else the organization's. A simulated call may show a number of the platform.

    A number in `known` is not read again. `of_request` says whether the request could name a number.

    Raises Invalid without a number: 47 CFR 64.1604 forbids a caller ID that belongs to nobody.
    """
    if flow.caller_id_number_id and (found := _find_usable(org.id, flow.caller_id_number_id, known)):
        return CallerId(found.e164, found.id)
    if own := flow.caller_id or org.caller_id:
        return CallerId(own)
    if simulated:
        return CallerId(acceptance.choose_caller_id(org, [], flow.id))
    message = "No caller ID: give the flow a number with caller_id_number_id"
    if not of_request:
        raise Invalid(f"{message}.", code="no_caller_id")
    raise Invalid(
        f"{message}, or send one in the request.",
        code="no_caller_id",
        fields={"caller_id_number_id": "is required, because neither the flow nor the organization has a number"},
    )


def _find_usable(org_id: str, number_id: str, known: Sequence[Number] = ()) -> Number | None:
    """Returns a number of the organization if it is active and can place calls."""
    try:
        found = next((one for one in known if one.id == number_id), None) or numbers.get_number(org_id, number_id)
    except NotFound:
        return None
    return found if found.active and found.capabilities.voice else None
