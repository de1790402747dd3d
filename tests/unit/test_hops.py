"""How many of our files a request enters, from its handler to its commit: the counts may only get smaller."""

from __future__ import annotations

from tests.load import hops


def test_a_request_enters_no_more_files_than_before() -> None:
    for name, trip in hops.measure_trips().items():
        limit = hops.LIMITS[name]
        assert len(trip.files) <= limit, (
            f"{name} enters {len(trip.files)} files, more than {limit}. Remove a function that only passes its "
            f"arguments on, or raise the limit in tests/load/hops.py if the new file has a reason: {sorted(trip.files)}"
        )
