"""What calls say of a number: how many there were with it, when the last was, and whose name it goes by.

It is only shown, so it is a projection (`history_projection`): it follows the calls after a moment. It is kept when
contacts go.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from switchboard.aws import secret
from switchboard.aws.table import Item, Key
from switchboard.calls import history_store as store

#: The variables by which back ends name the person that they call, the most particular first.
_NAMES = ("customer_name", "contact_name", "full_name", "name")
_LONGEST_NAME = 200


class History(BaseModel):
    """A number's calls so far. `name` is the latest that was said of its holder, by the call of `named_at`."""

    e164: str
    calls: int = 0
    last_call_at: str | None = None
    name: str | None = None
    named_at: str | None = None


def name_of(variables: Mapping[str, str]) -> str | None:
    """The name of whom a call is for, if its variables say one."""
    named = (" ".join(variables.get(name, "").split())[:_LONGEST_NAME] for name in _NAMES)
    return next((name for name in named if any(character.isalpha() for character in name)), None)


def numbers(org_id: str, after: str | None, limit: int) -> list[History]:
    """The numbers with which an organisation had calls, by their ids, after one of them."""
    return [from_item(item) for item in store.numbers(org_id, after, limit)]


def id_of(org_id: str, e164: str) -> str:
    """A number's id in an organisation: the same each time, so that whatever is kept of it is found by one of both."""
    return secret.digest(f"{org_id}#number#{e164}")[:26]


def key_of(org_id: str, number_id: str) -> Key:
    """Where a number's history is stored, in `core`, for a reader that fetches it along with other items."""
    return store.key(org_id, number_id)


def from_item(item: Item) -> History:
    """The history that such an item holds."""
    return History.model_validate(item)
