"""Many processes with one limiter's table, in one thread and with a frozen clock.

The table is a double for the requests of `rate_counters.count_requests`. `tests/unit/edge/test_rate_leases.py` compares
both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from unittest.mock import patch

from switchboard.edge import rate_counters, rate_leases, rate_limit
from switchboard.edge.rate_counters import UsedRequests, WindowFullError
from switchboard.kit import clock


@dataclass
class Table:
    """The limiter's items, and the number of writes to each in each second. Refused writes count, too."""

    items: dict[str, Counter[int | str]] = field(default_factory=dict)
    writes: Counter[tuple[str, int]] = field(default_factory=Counter)

    def add(self, id_: str, at: int, *, minute: int, second: int, per_minute: int, per_second: int) -> UsedRequests:
        """Count requests, as `rate_counters.count_requests` does."""
        self.writes[id_, at] += 1
        item = self.items.setdefault(id_, Counter())
        if item["minute"] + minute > per_minute or item[at] + second > per_second:
            raise WindowFullError(UsedRequests(item["minute"], item[at]))
        item["minute"] += minute
        item[at] += second
        return UsedRequests(item["minute"], item[at])


@dataclass
class Served:
    """The result of a run: the allowed requests by second, and the number of all requests."""

    by_second: Counter[int] = field(default_factory=Counter)
    made: int = 0

    @property
    def by_minute(self) -> Counter[int]:
        """Returns the allowed requests by minute."""
        found: Counter[int] = Counter()
        for second, passed in self.by_second.items():
            found[second // 60] += passed
        return found


class Swarm:
    """Processes that receive requests at random."""

    def __init__(self, processes: int, seed: int = 1) -> None:
        self.table = Table()
        self._chance = Random(seed)
        self._processes = [rate_limit.LimiterMemory() for _ in range(processes)]
        self._clock = clock.FrozenClock()

    def run(
        self,
        rate: int,
        seconds: int,
        per_minute: int,
        per_second: int,
        bucket: str = "org",
        times: int | None = None,
    ) -> Served:
        """Send `rate` requests a second to one bucket, evenly. With `times`, send that number and reset the clock."""
        served, begin = Served(), self._clock.at
        with self._standing_in():
            for number in range(rate * seconds if times is None else times):
                self._clock.at = begin + number / rate
                rate_limit._memory = self._chance.choice(self._processes)
                served.made += 1
                if rate_limit.count_request(bucket, per_minute, per_second).allowed:
                    served.by_second[int(self._clock.at)] += 1
        self._clock.at = begin + (seconds if times is None else 0)
        return served

    def replace(self, number: int) -> None:
        """Replace a number of processes, with their memory, by new ones."""
        for place in self._chance.sample(range(len(self._processes)), number):
            self._processes[place] = rate_limit.LimiterMemory()

    @property
    def hottest(self) -> int:
        """The maximum number of writes to one item in one second."""
        return max(self.table.writes.values())

    @contextmanager
    def _standing_in(self) -> Iterator[None]:
        before = rate_limit._memory
        with (
            clock.using(self._clock),
            patch.object(rate_counters, "count_requests", self.table.add),
            patch.object(rate_leases, "choose_slice", self._chance.randrange),
        ):
            try:
                yield
            finally:
                rate_limit._memory = before
