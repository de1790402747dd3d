"""Settings of property tests: the same examples every time, and no more than needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings

from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.writes import Put, Writes, _flatten
from tests.settings import THOROUGH

#: The share of the examples that `make test` tries, and the number of examples that it tries in any case.
_SHARE, _FEWEST = 4, 10


def example_settings(number: int, *, slow: bool = False, all_of_them: bool = False) -> Callable[[Any], Any]:
    """Try a number of examples, a quarter of it in `make test`. A test's tables keep their items between examples.

    A slow test does not search for a smaller failing example. With `all_of_them`, each run tries the whole number.
    """
    fewer = max(number // _SHARE, min(number, _FEWEST))
    return settings(
        max_examples=number if THOROUGH or all_of_them else fewer,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[phase for phase in Phase if not (slow and phase in (Phase.shrink, Phase.explain))],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


class Memory:
    """Tables for one thread that never refuse: enough for a property test, and a thousand times as fast."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str, str], Item] = {}

    def commit(self, *parts: Writes) -> None:
        for write in _flatten(parts):
            assert isinstance(write, Put)
            self.items[(write.table, write.item["pk"], write.item["sk"])] = write.item

    def get(self, table: str, key: Key, **_: Any) -> Item | None:
        return self.items.get((table, key["pk"], key["sk"]))

    def between(self, table: str, pk: str, first: str, last: str) -> list[Item]:
        """A range of a partition."""
        found = [key for key in self.items if key[:2] == (table, pk) and first <= key[2] <= last]
        return [self.items[key] for key in sorted(found)]

    def all(self, table: str) -> list[Item]:
        return [item for (name, _, _), item in self.items.items() if name == table]
