"""The registry of events: every type that the platform records, what it holds, and what follows from it.

A type is one row in `switchboard/events/types/<noun>.py`. Everything else reads the row: what may be recorded
(`events.service.of`), which queues it starts (`fanout/routes.py`), what webhooks call it (`webhooks/catalogue.py`), the
audit's channel (`audit/chain.py`) and the page `docs/events.md`. Plain data: it imports no noun.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, get_args

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from switchboard.events import types
from switchboard.events.types.base import Channel, Contract, EventType


class EventError(TypeError):
    """Code records an event that does not fit the registry. This is a fault of the code, found by tests."""


def _by_name(rows: Iterable[EventType]) -> dict[str, EventType]:
    found: dict[str, EventType] = {}
    for row in rows:
        if row.name in found:
            raise EventError(f"{row.name} has two rows in switchboard/events/types. Keep one.")
        found[row.name] = row
    return found


def _rows() -> Iterator[EventType]:
    """The rows of all modules of the package, `base` aside: a new noun's file is found without a list of files."""
    for name in sorted(module.name for module in iter_modules(types.__path__)):
        if name != "base":
            yield from import_module(f"{types.__name__}.{name}").TYPES


#: All types by name.
TYPES: dict[str, EventType] = _by_name(_rows())

_WORDS = {"missing": "is missing", "extra_forbidden": "is no field of the row"}
_CHANNELS: frozenset[str] = frozenset(get_args(Channel))


def require_fitting(name: str, subject: str, data: dict[str, Any]) -> None:
    """Refuse an event that does not fit its row: raises EventError, which names the type and the field."""
    row = TYPES.get(name)
    if row is None:
        raise EventError(f"{name} is not registered. Add a row for it in switchboard/events/types.")
    if subject != row.subject:
        raise EventError(f"{name} is about a {row.subject}, not about a {subject}.")
    try:
        _validator(row.data).validate_python(data)
    except ValidationError as error:
        raise EventError(f"The data of {name} do not fit {row.data.__name__}: {_problems(error)}.") from None


def _problems(error: ValidationError) -> str:
    # The values stay out of the message: it ends in a log.
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {_WORDS.get(one['type'], one['msg'])}" for one in problems)


@cache
def _validator(model: type) -> TypeAdapter[Any]:
    """What checks the data of a type. It is built for the first event: a function records few of the types."""
    return TypeAdapter(with_config(ConfigDict(extra="forbid", strict=True))(model))


def channel_of(name: str) -> str | None:
    """The audit's channel of a type. An old type that is no longer registered has that of its first word."""
    row = TYPES.get(name)
    if row:
        return row.channel
    category, _, _ = name.partition(".")
    return category if category in _CHANNELS else None


def webhook_names(contract: Contract) -> dict[str, str]:
    """The types that a contract's webhooks tell of, and the names that the contract has for them."""
    return {row.name: row.webhooks[contract] for row in TYPES.values() if contract in row.webhooks}
