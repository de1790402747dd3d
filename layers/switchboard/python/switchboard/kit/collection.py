"""A kind of thing in a table: its item, its lists, and the one way to change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from switchboard.aws import clock, table
from switchboard.aws.table import Item, Key, Put, Writes
from switchboard.kit import change as kit
from switchboard.kit.change import Change, Moved


class Versioned(Protocol):
    """What a collection keeps: a model of an organization that counts its changes."""

    @property
    def id(self) -> str: ...
    @property
    def org_id(self) -> str: ...
    @property
    def version(self) -> int: ...

    @classmethod
    def model_validate(cls, obj: Any) -> Self: ...

    def model_dump(self, *, mode: str) -> dict[str, Any]: ...

    def model_copy(self, *, update: dict[str, Any]) -> Self: ...


M = TypeVar("M", bound=Versioned)


def moved(thing: M, **facts: Any) -> M:
    """A thing's next version, with other facts."""
    return thing.model_copy(update={**facts, "version": thing.version + 1, "updated_at": clock.stamp()})


@dataclass(frozen=True)
class Collection(Generic[M]):
    """Where a kind of thing is stored.

    `key` makes a thing's key of its organization and id, `lists` its index attributes (`kit.listing`), `pack` and
    `unpack` turn fields into another form of the item's and back (callers' JSON is kept as text).
    """

    table: str
    model: type[M]
    key: Callable[[str, str], Key]
    lists: Callable[[M], Item] = lambda _: {}
    pack: Callable[[Item], Item] = lambda item: item
    unpack: Callable[[Item], Item] = lambda item: item

    def item(self, thing: M) -> Item:
        """A thing as it is stored."""
        return {**self.key(thing.org_id, thing.id), **self.pack(thing.model_dump(mode="json")), **self.lists(thing)}

    def read(self, item: Item) -> M:
        """The thing that an item holds."""
        return self.model.model_validate(self.unpack(item))

    def put(self, thing: M) -> Put:
        """The write that stores a new thing."""
        return Put(table=self.table, item=self.item(thing), unless_exists=True)

    def save(self, thing: M) -> Put:
        """The write of a thing's next version, if it still follows the one that was read. Raises Moved at commit."""
        return Put(
            table=self.table,
            item=self.item(thing),
            condition="version = :before",
            values={":before": thing.version - 1},
            otherwise=Moved,
        )

    def get(self, org_id: str, id_: str) -> M | None:
        """The organization's thing of that id."""
        item = table.get(self.table, self.key(org_id, id_))
        return self.read(item) if item else None

    def get_many(self, org_id: str, ids: Sequence[str]) -> list[M | None]:
        """The organization's things of up to a hundred ids, in their order."""
        return self.get_across([(org_id, id_) for id_ in ids])

    def get_across(self, places: Sequence[tuple[str, str]]) -> list[M | None]:
        """Things of up to a hundred pairs of organization and id, in their order."""
        items = table.get_many(self.table, [self.key(*place) for place in places]) if places else []
        return [self.read(item) if item else None for item in items]

    def change(self, org_id: str, id_: str, decide: Callable[[M], Change[M]]) -> M | None:
        """Change a thing as it stands now (`kit.change`): its new version, `None` where nothing changes."""
        return kit.change(lambda: self.get(org_id, id_), decide, self._save_writes)

    def _save_writes(self, thing: M) -> Writes:
        return self.save(thing)
