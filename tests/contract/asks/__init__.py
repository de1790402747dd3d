"""A request for each operation of HUM. The matrix of sessions, roles and organizations sends those with a session.

Each module here has the requests of one group, and is found by itself:

- `GOOD`: the operation's id, and a function that makes a request which an admin of the organization is granted. Each
  request uses an object of its own.
- `OWN`: the same for the operations of a person, which every role may use.
- `PUBLIC`: the same for the operations without a session. A request has the credentials that it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from tests.contract.console import Console, Person
from tests.contract.world import Ask


def _rows(table: str) -> dict[str, Any]:
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return {name: row for module in modules for name, row in getattr(module, table, {}).items()}


GOOD: dict[str, Callable[[Console], Ask]] = _rows("GOOD")
OWN: dict[str, Callable[[Person], Ask]] = _rows("OWN")
PUBLIC: dict[str, Callable[[Console], Ask]] = _rows("PUBLIC")
#: The operations after which the session is in another organization.
TURNING = ("createOrg", "leaveTeam")
#: These, and the operation that may do so.
MOVING = (*TURNING, "switchOrg")
#: The operations that name something of an organization in their body, and not in their path.
NAMING_IN_BODY = ("switchOrg",)


def ask_for(name: str, org: Console, person: Person) -> Ask:
    """A request of an operation that is granted to a person of an organization who may make it."""
    return OWN[name](person) if name in OWN else GOOD[name](org)
