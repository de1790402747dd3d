"""A registry for tests: it obeys the port, and can be busy, silent or killed at any step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from switchboard.carriers.outcomes import RefusedError
from switchboard.carriers.registrations.ports.registry import (
    RegistrationOrder,
    RegistrationPart,
    RegistryReview,
)

STEPS: dict[RegistrationPart, tuple[str, ...]] = {
    "brand": ("customer_profile", "a2p_profile", "brand"),
    "campaign": ("messaging_service", "campaign"),
}


class FakeRegistry:
    """Keeps its things in memory by name. `before` and `after` run around each step."""

    name = "simulator"
    required_fields: frozenset[str] = frozenset()
    test_eins = frozenset({"000000000"})

    def __init__(self) -> None:
        self.things: dict[tuple[str, str], str] = {}
        #: How often each thing was made.
        self.made: Counter[str] = Counter()
        #: How often each thing got the facts of an attempt.
        self.updated: Counter[str] = Counter()
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None
        self.verdicts: dict[str, RegistryReview] = {}
        self.numbers: set[str] = set()
        self.questions = 0
        #: How many texts were sent to a sole proprietor again.
        self.texts = 0
        self.orders: list[RegistrationOrder] = []

    def next_step(self, order: RegistrationOrder, part: RegistrationPart) -> str | None:
        return next((step for step in STEPS[part] if step not in order.done), None)

    def perform_step(self, order: RegistrationOrder, step: str) -> str:
        self.before(step)
        self.orders.append(order)
        place = (order.label, step)
        if place in self.things:
            self.updated[step] += 1
        else:
            self.made[step] += 1
            self.things[place] = f"sid-{step}-{self.made[step]}"
        self.after(step)
        return self.things[place]

    def fetch_review(self, order: RegistrationOrder, part: RegistrationPart) -> RegistryReview:
        self.questions += 1
        assert order.sids[part], "the registry has what it is asked about"
        return self.verdicts.get(part, RegistryReview("pending"))

    def send_verification(self, order: RegistrationOrder) -> None:
        self.before("verification")
        self.texts += 1

    def add_number(self, order: RegistrationOrder, number_sid: str) -> None:
        if "messaging_service" not in order.sids:
            raise RefusedError("there is no campaign")
        self.numbers.add(number_sid)
