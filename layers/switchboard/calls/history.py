"""Call histories of numbers: how many calls a number had, the time of the last one, and the name of its holder.

A history is a projection (`history_projection`), because it is only displayed: it follows the calls after a short
delay. It stays when the contact is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping

from switchboard.calls.history_store import history_ref, list_histories
from switchboard.calls.models import CallHistory
from switchboard.kit import texts

__all__ = ["CallHistory", "history_ref", "list_histories"]

#: The variables in which back ends send the name of the called person, most specific first.
_NAME_VARIABLES = ("customer_name", "contact_name", "full_name", "name")
_MAX_NAME_CHARACTERS = 200


def find_name(variables: Mapping[str, str]) -> str | None:
    """Returns the name of the called person from a call's variables, if they have one."""
    named = (" ".join(variables.get(name, "").split())[:_MAX_NAME_CHARACTERS] for name in _NAME_VARIABLES)
    return next((name for name in named if any(character.isalpha() for character in name)), None)


def number_id(org_id: str, e164: str) -> str:
    """Returns the stable id of a number within an organization. The number's contact and history share it."""
    return texts.digest(f"{org_id}#number#{e164}")[:26]
