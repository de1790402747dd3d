"""The catalog of a kind's webhooks: each event name with its description, the JSON Schema of its body, and an example.

Each API describes its own bodies (`dialects/<api>/webhook_catalog.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from switchboard.errors import Invalid
from switchboard.webhooks import event_names
from switchboard.webhooks.models import KindName


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """An event name of a kind, or a pattern such as `external.*` for names that customers give.

    `example` is a body that fits `schema`. The body of an event without a template has this form.
    """

    name: str
    about: str
    schema: dict[str, Any]
    example: dict[str, Any]

    @property
    def is_pattern(self) -> bool:
        """Whether the entry stands for all names with the same beginning."""
        return self.name.endswith(".*")


@dataclass(frozen=True, slots=True)
class EventCatalog:
    """All event names of a kind, sorted by name."""

    kind: KindName
    entries: Sequence[CatalogEntry]

    def get_entry(self, name: str) -> CatalogEntry:
        """Returns the entry of an event name, or of the pattern that the name has. Raises Invalid."""
        for entry in self.entries:
            if name == entry.name or (entry.is_pattern and name.startswith(entry.name[:-1])):
                return entry
        found = event_names.suggest_filter(name, self.kind)
        advice = f"did you mean {found}?" if found else "use a name of the list of event types"
        raise Invalid("There is no such event: see the fields.", fields={"event": f"no event is {name!r}: {advice}"})

    def search(self, words: str | None) -> list[CatalogEntry]:
        """Returns the entries that have all of the words in their name or description, in any case."""
        wanted = (words or "").lower().split()
        return [one for one in self.entries if all(word in f"{one.name} {one.about}".lower() for word in wanted)]

    def list_matching(self, filters: Sequence[str]) -> list[CatalogEntry]:
        """Returns the entries of the events that filters take."""
        return [entry for entry in self.entries if self._is_taken(entry, filters)]

    def list_schemas(self, filters: Sequence[str]) -> list[dict[str, Any]]:
        """Returns the schemas of the bodies of the events that filters take."""
        return [entry.schema for entry in self.list_matching(filters)]

    def _is_taken(self, entry: CatalogEntry, filters: Sequence[str]) -> bool:
        types = event_names.types_of(self.kind, entry.name) or [entry.name]
        if any(event_names.matches_event([*filters], entry.name, type_) for type_ in types):
            return True
        return entry.is_pattern and any(one.startswith(entry.name[:-1]) for one in filters)
