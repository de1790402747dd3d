"""How much the measurements do. Options of `python -m tests.load` make some of them smaller or larger."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Sizes:
    """The numbers that an option can change."""

    #: Scheduled texts on a real clock.
    scheduled_texts: int = 10_000
    #: Opt-outs, each at a random moment of a text.
    opt_outs: int = 100_000


SIZES = Sizes()
