"""The page of events, made from the registry: `python -m infra.events_page` writes `docs/events.md`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, NotRequired, Union, get_args, get_origin, get_type_hints

from switchboard.events import registry
from switchboard.events.types import base
from switchboard.events.types.base import EventType

PAGE = Path(__file__).resolve().parents[1] / "docs" / "events.md"

_HEAD = """\
# Events

<!-- Written by `make openapi` from switchboard/events/types. Change the rows there, not this page. -->

An event records a change. It is committed in one transaction with that change, and never changes itself.
Everything asynchronous starts from events: queues, webhooks, the audit chain and the live stream.

Its data holds ids, states, numbers and digests only, because an event is kept after its subject is erased.

To add an event, add a row in `switchboard/events/types/<noun>.py`, record it with `new_event`, and run `make openapi`.
Code that records a type without a row, or data that does not fit the row, fails with an `EventError`.

Every event goes to the `audit` queue, and every event with a webhook name to the `webhooks` queue. *Starts* names the
other queues that get the event.

| field type | meaning |
|---|---|
| digest | SHA-256 in hex |
| id | an id of the platform |
| code | a word of a fixed vocabulary, without spaces |
| text | a word from outside the platform |
| event name | `external.` and words in lower case with dots between them |
| moment | a time in UTC, as `2026-01-15T17:00:00.000Z` |
| day | a date, as `2026-01-15` |
| count | a number from 0 up |
| number | an integer |
| flag | true or false |
"""

#: The words for the types of fields.
_ALIASES = {
    "digest": base.Digest,
    "id": base.Id,
    "code": base.Code,
    "event name": base.ExternalName,
    "moment": base.Timestamp,
    "day": base.Day,
    "count": base.Count,
}
_PLAIN: dict[Any, str] = {str: "text", int: "number", bool: "flag", NoneType: "null"}
_CONTRACTS: dict[str, str] = {"anima": "Anima", "opticomm": "OptiComm", "athos": "Athos", "hum": "HUM"}


def text() -> str:
    """Return the page."""
    lines, noun = [_HEAD], ""
    for row in registry.TYPES.values():
        first, _, _ = row.name.partition(".")
        if first != noun:
            noun = first
            lines.append(f"## {noun}\n")
        lines += _section(row)
    return "\n".join(lines).rstrip("\n") + "\n"


def fields(model: type, above: str = "") -> Iterator[tuple[str, str, str]]:
    """The fields of a data model and of its nested models: name, type and meaning."""
    for name, given in get_type_hints(model, include_extras=True).items():
        optional = get_origin(given) is NotRequired
        hint = get_args(given)[0] if optional else given
        meaning = next(part for part in hint.__metadata__ if isinstance(part, str))
        inner = get_args(hint)[0]
        nested = hasattr(inner, "__required_keys__")
        word = "object" if nested else type_of(hint)
        yield above + name, f"{word}, may be absent" if optional else word, meaning
        if nested:
            yield from fields(inner, f"{above}{name}.")


def type_of(hint: Any) -> str:
    """The word for a type in the registry."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        marks = hint.__metadata__
        word = next((word for word, alias in _ALIASES.items() if get_args(alias)[1] in marks), None)
        return word or type_of(parts[0])
    if origin in (Union, UnionType):
        return " or ".join(map(type_of, parts))
    if origin is list:
        return f"list of {type_of(parts[0])}s"
    if origin is dict:
        return f"map of {type_of(parts[1])}s"
    return _PLAIN[hint]


def _section(row: EventType) -> list[str]:
    told = [f"{_CONTRACTS[contract]} `{name}`" for contract, name in row.webhooks.items()]
    facts = {
        "Subject": f"`{row.subject}`",
        "Channel": f"`{row.channel}`" if row.channel else "",
        "Starts": ", ".join(f"`{queue}`" for queue in row.starts),
        "Webhooks": ", ".join(told),
        "Projections": ", ".join(f"`{name}`" for name in row.projections),
    }
    said = " · ".join(f"{label}: {fact}" for label, fact in facts.items() if fact)
    rows = [f"| `{name}` | {word} | {meaning} |" for name, word, meaning in fields(row.data)]
    table = ["| data | type | meaning |", "|---|---|---|", *rows, ""] if rows else []
    return [f"### `{row.name}`\n", f"{row.about} {said}\n", *table]


def main() -> None:
    """Write the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text())


if __name__ == "__main__":
    main()
