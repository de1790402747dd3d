"""Call histories of numbers: how many calls a number had, the time of the last one, and the name of its holder.

A history is a projection (`history_projection`), because it is only displayed: it follows the calls after a short
delay. It stays when the contact is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from switchboard.aws.attributes import Item, Key
from switchboard.calls import history_store as store
from switchboard.kit import hashing

#: The variables in which back ends send the name of the called person, most specific first.
_NAME_VARIABLES = ("customer_name", "contact_name", "full_name", "name")
_MAX_NAME_CHARACTERS = 200


class CallHistory(BaseModel):
    """A number's calls so far. `name` is the holder's name from the variables of the call created at `named_at`."""

    e164: str
    calls: int = 0
    last_call_at: str | None = None
    name: str | None = None
    named_at: str | None = None


def find_name(variables: Mapping[str, str]) -> str | None:
    """Returns the name of the called person from a call's variables, if they have one."""
    named = (" ".join(variables.get(name, "").split())[:_MAX_NAME_CHARACTERS] for name in _NAME_VARIABLES)
    return next((name for name in named if any(character.isalpha() for character in name)), None)


def list_histories(org_id: str, after: str | None, limit: int) -> list[CallHistory]:
    """Returns the histories of an organization's numbers in the order of their ids, after the id `after`."""
    return [parse_history(item) for item in store.list_histories(org_id, after, limit)]


def number_id(org_id: str, e164: str) -> str:
    """Returns the stable id of a number within an organization. The number's contact and history share it."""
    return hashing.digest(f"{org_id}#number#{e164}")[:26]


def history_key(org_id: str, number_id: str) -> Key:
    """Returns the key of a number's history in `core`, for a reader that fetches other items in the same request."""
    return store.history_key(org_id, number_id)


def parse_history(item: Item) -> CallHistory:
    """Returns the history that an item holds."""
    return CallHistory.model_validate(item)
