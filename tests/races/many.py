"""Many runs, in one process for each core."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.races.run import Total, run_all

#: The number of seeds in one unit of work.
_PIECE = 500


def run_on_all_cores(first: int, number: int) -> Total:
    """Run `number` seeds from `first`."""
    total = Total()
    pieces = [range(begin, min(begin + _PIECE, first + number)) for begin in range(first, first + number, _PIECE)]
    # Each process needs the threads of its actors, so it is spawned and not forked.
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=get_context("spawn")) as pool:
        for part in pool.map(run_all, pieces):
            total.counts.add(part.counts)
            total.failed |= part.failed
    return total
