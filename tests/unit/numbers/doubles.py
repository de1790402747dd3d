"""A provider of numbers for tests: it obeys the port, and can be slow, silent or killed at any step."""

from __future__ import annotations

from collections.abc import Callable

from switchboard.carriers.numbers.ports.inventory import (
    UNAVAILABLE,
    AvailableNumber,
    Features,
    NumberSearch,
    NumberSettings,
    OwnedNumber,
)
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError

ALL = Features(voice=True, sms=True, mms=True)


class KilledError(BaseException):
    """The process stops here."""


class FakeInventory:
    """Keeps the inventories of organizations in memory. `before` and `after` run around each purchase."""

    name = "simulator"

    def __init__(self) -> None:
        self.owned: dict[str, dict[str, OwnedNumber]] = {}
        self.purchases = 0
        self.configured: list[tuple[str, NumberSettings]] = []
        self.bought_with: list[NumberSettings] = []
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None
        self.silent = False
        #: The abilities of new numbers.
        self.features = ALL

    def give(self, org_id: str, e164: str, friendly_name: str = "") -> OwnedNumber:
        """Puts a number into an inventory, as its owner may at the provider's own console."""
        number = OwnedNumber("PN" + e164[1:].zfill(32), e164, friendly_name, self.features)
        self.owned.setdefault(org_id, {})[number.sid] = number
        return number

    def search(self, search: NumberSearch) -> list[AvailableNumber]:
        raise NotImplementedError

    def buy(self, org_id: str, e164: str, settings: NumberSettings) -> OwnedNumber:
        self.before()
        if any(number.e164 == e164 for owned in self.owned.values() for number in owned.values()):
            raise RefusedError(UNAVAILABLE)
        self.purchases += 1
        bought = self.give(org_id, e164, settings.friendly_name)
        self.bought_with.append(settings)
        self.after()
        return bought

    def find(self, org_id: str, e164: str) -> OwnedNumber | None:
        return next((number for number in self.list_owned(org_id) if number.e164 == e164), None)

    def fetch(self, org_id: str, sid: str) -> OwnedNumber | None:
        return next((number for number in self.list_owned(org_id) if number.sid == sid), None)

    def list_owned(self, org_id: str) -> list[OwnedNumber]:
        if self.silent:
            raise OutcomeUnknownError("silent")
        return list(self.owned.get(org_id, {}).values())

    def release(self, org_id: str, sid: str) -> None:
        self.owned.get(org_id, {}).pop(sid, None)

    def configure(self, org_id: str, sid: str, settings: NumberSettings) -> None:
        if self.fetch(org_id, sid) is None:
            raise RefusedError("gone")
        self.configured.append((sid, settings))
