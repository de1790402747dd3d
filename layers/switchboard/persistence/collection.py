"""A collection of stored objects of one kind: their items, their list entries, and their optimistic changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.writes import Delete, Put
from switchboard.kit import clock
from switchboard.persistence import optimistic
from switchboard.persistence.idempotency import IdempotencyGuard
from switchboard.persistence.optimistic import Decision, StaleVersionError


class VersionedModel(Protocol):
    """A model that a collection can store: it belongs to an organization and counts its versions."""

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


M = TypeVar("M", bound=VersionedModel)


def next_version(thing: M, **facts: Any) -> M:
    """Returns the next version of an object, with these fields changed."""
    return thing.model_copy(update={**facts, "version": thing.version + 1, "updated_at": clock.now_iso()})


@dataclass(frozen=True)
class Collection(Generic[M]):
    """The stored objects of one kind.

    `key` makes an object's key from its organization and id. `lists` makes its index attributes
    (`persistence.listing`). `pack` converts fields to their stored form, and `unpack` converts them back (callers' JSON
    is stored as text).
    """

    table: str
    model: type[M]
    key: Callable[[str, str], Key]
    lists: Callable[[M], Item] = lambda _: {}
    pack: Callable[[Item], Item] = lambda item: item
    unpack: Callable[[Item], Item] = lambda item: item

    def to_item(self, thing: M) -> Item:
        """Returns the stored item of an object."""
        return {**self.key(thing.org_id, thing.id), **self.pack(thing.model_dump(mode="json")), **self.lists(thing)}

    def from_item(self, item: Item) -> M:
        """Returns the object of a stored item."""
        return self.model.model_validate(self.unpack(item))

    def create_write(self, thing: M) -> Put:
        """Returns the write that stores a new object."""
        return Put(table=self.table, item=self.to_item(thing), unless_exists=True)

    def save_write(self, thing: M) -> Put:
        """Returns the write of an object's next version.

        Raises StaleVersionError at commit if the stored version has changed.
        """
        return Put(
            table=self.table,
            item=self.to_item(thing),
            condition="version = :before",
            values={":before": thing.version - 1},
            otherwise=StaleVersionError,
        )

    def delete_write(self, thing: M) -> Delete:
        """Returns the write that deletes an object. Raises StaleVersionError at commit if the object has changed."""
        return Delete(
            table=self.table,
            key=self.key(thing.org_id, thing.id),
            condition="version = :before",
            values={":before": thing.version},
            otherwise=StaleVersionError,
        )

    def get_object(self, org_id: str, id_: str) -> M | None:
        """Reads the organization's object with this id, `None` if there is none."""
        item = reads.get_item(self.table, self.key(org_id, id_))
        return self.from_item(item) if item else None

    def get_objects(self, places: Sequence[tuple[str, str]]) -> list[M | None]:
        """Reads the objects of up to a hundred pairs of organization and id, in the order of the pairs."""
        items = reads.get_items(self.table, [self.key(*place) for place in places]) if places else []
        return [self.from_item(item) if item else None for item in items]

    def change_object(
        self, org_id: str, id_: str, decide: Callable[[M], Decision[M]], once: IdempotencyGuard | None = None
    ) -> M | None:
        """Changes the current version of an object (`optimistic.change_object`).

        Returns the new version, `None` if nothing changes. `once` is the request that asks for the change: if the
        request is repeated, nothing changes.
        """
        return optimistic.change_object(
            lambda: self.get_object(org_id, id_), decide, self.save_write, once=once, subject_id=id_
        )
