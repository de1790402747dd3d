"""Reads, registers and changes numbers."""

from __future__ import annotations

import re

from switchboard.errors import NotFound
from switchboard.numbers import store
from switchboard.numbers.models import Number
from switchboard.numbers.store import list_number_page, list_numbers, list_numbers_of_flow

__all__ = ["list_number_page", "list_numbers", "list_numbers_of_flow"]

_ID = re.compile(f"{store.ID_PREFIX}[0-9a-z]{{26}}")


def get_number(org_id: str, number_id: str) -> Number:
    """Returns the organization's number with this id. Raises NotFound."""
    found = store.NUMBERS.get(org_id, number_id) if _ID.fullmatch(number_id) else None
    if not found:
        raise NotFound("There is no such number.")
    return found


def find_number(number_id: str) -> Number | None:
    """Returns the number with this id of any organization, None if there is none. For callbacks and workers."""
    if not _ID.fullmatch(number_id):
        return None
    org_id = store.find_org_of_number(number_id)
    return store.NUMBERS.get(org_id, number_id) if org_id else None


def find_number_by_e164(e164: str) -> Number | None:
    """Returns the active number of any organization with this telephone number, None if there is none."""
    holder = store.find_holder(e164)
    found = store.NUMBERS.get(*holder) if holder else None
    return found if found and found.active else None
