"""One run of a seed, and many runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.races import acts
from tests.races.oracle import Counts
from tests.races.world import create_world

#: The number of actors in a run, without the workers for their jobs.
_FEWEST, _MOST = 2, 6
#: The steps within which actors start. Accepting and dialing takes about twenty, so a withdrawal may fall on any step.
_EARLY, _LATE = 5, 30


@dataclass(frozen=True)
class Outcome:
    """The counts and the problems of a run."""

    seed: int
    counts: Counts
    problems: list[str]


@dataclass
class Total:
    """The counts of many runs. `failed` holds the problems by seed."""

    counts: Counts = field(default_factory=Counts)
    failed: dict[int, list[str]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Add a run."""
        self.counts.add(outcome.counts)
        if outcome.problems:
            self.failed[outcome.seed] = outcome.problems


def run(seed: int, trace: Callable[[str], None] | None = None) -> Outcome:
    """Let a seed choose the actors and their order."""
    with create_world(seed, trace) as made:
        number = made.chance.randint(_FEWEST, _MOST)
        accepting = made.chance.randint(1, max(1, number // 2))
        for act in made.chance.choices(acts.ACCEPTING, k=accepting):
            made.act(act.__name__, act(made), after=made.chance.randrange(_EARLY))
        for act in made.chance.choices([*acts.WITHDRAWING], [*acts.WITHDRAWING.values()], k=number - accepting):
            made.act(act.__name__, act(made), after=made.chance.randrange(_LATE))
        try:
            made.scheduler.run()
            made.settle()
        except Exception as error:  # noqa: BLE001 a fault of the code under test is what a run is to find
            made.oracle.problems.append(f"{type(error).__name__}: {error}")
        return Outcome(seed, made.oracle.counts, made.oracle.problems)


def run_all(seeds: Iterable[int]) -> Total:
    """Run one seed after the other."""
    total = Total()
    for seed in seeds:
        total.add(run(seed))
    return total
