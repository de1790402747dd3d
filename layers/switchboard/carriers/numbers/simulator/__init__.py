"""The simulated provider of numbers: its stock follows from a table of places, and sold numbers are items.

| item | table | pk | sk |
|---|---|---|---|
| sold number | `core` | `<org>#simulated-numbers` | `<sid>` |
| look-up of a sold number | `core` | `simulated-number#<e164>` | `number` |

The look-up holds a pointer, and ensures that a number is sold once.
"""

from __future__ import annotations

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import ConditionFailedError, Delete, Put, Update, commit, write_item
from switchboard.carriers.numbers.ports.inventory import (
    UNAVAILABLE,
    AvailableNumber,
    Features,
    NumberSearch,
    NumberSettings,
    OwnedNumber,
)
from switchboard.carriers.numbers.simulator import stock
from switchboard.carriers.outcomes import RefusedError

_READS = 100


def _place(org_id: str, sid: str) -> Key:
    return {"pk": f"{org_id}#simulated-numbers", "sk": sid}


def _pointer(e164: str) -> Key:
    return {"pk": f"simulated-number#{e164}", "sk": "number"}


class SimulatedInventory:
    """A stock of a few thousand numbers that reach nobody. It is the same at every start, less the sold numbers."""

    name = "simulator"

    def search(self, search: NumberSearch) -> list[AvailableNumber]:
        """Returns the first unsold numbers of the stock that match."""
        matching = stock.find_matching(search)
        found: list[AvailableNumber] = []
        for begin in range(0, len(matching), _READS):
            part = matching[begin : begin + _READS]
            sold = reads.get_items("core", [_pointer(number.e164) for number in part])
            found += [number for number, item in zip(part, sold, strict=True) if not item]
            if len(found) >= search.limit:
                break
        return found[: search.limit]

    def buy(self, org_id: str, e164: str, settings: NumberSettings) -> OwnedNumber:
        """Sells a number of the stock to one organization."""
        wanted = stock.STOCK.get(e164)
        if wanted is None:
            raise RefusedError(UNAVAILABLE)
        bought = OwnedNumber(stock.sid_of(e164), e164, settings.friendly_name, wanted.features)
        item = {
            **_place(org_id, bought.sid),
            "e164": e164,
            "friendly_name": settings.friendly_name,
            "voice": wanted.features.voice,
            "sms": wanted.features.sms,
            "mms": wanted.features.mms,
        }
        pointer = {**_pointer(e164), "org_id": org_id, "sid": bought.sid}
        try:
            commit(Put(table="core", item=pointer, unless_exists=True), Put(table="core", item=item))
        except ConditionFailedError:
            raise RefusedError(UNAVAILABLE) from None
        return bought

    def find(self, org_id: str, e164: str) -> OwnedNumber | None:
        """Returns a sold number of the organization."""
        return self.fetch(org_id, stock.sid_of(e164))

    def fetch(self, org_id: str, sid: str) -> OwnedNumber | None:
        """Returns a sold number of the organization."""
        item = reads.get_item("core", _place(org_id, sid))
        return _owned(item) if item else None

    def list_owned(self, org_id: str) -> list[OwnedNumber]:
        """Returns the sold numbers of the organization."""
        return [_owned(item) for item in Query(table="core", partition=f"{org_id}#simulated-numbers").read_all()]

    def release(self, org_id: str, sid: str) -> None:
        """Puts a number back into the stock."""
        found = self.fetch(org_id, sid)
        if found:
            commit(
                Delete(table="core", key=_place(org_id, sid)),
                Delete(table="core", key=_pointer(found.e164)),
            )

    def close(self, org_id: str) -> bool:
        """Puts all numbers of the organization back into the stock."""
        owned = self.list_owned(org_id)
        for number in owned:
            self.release(org_id, number.sid)
        return bool(owned)

    def configure(self, org_id: str, sid: str, settings: NumberSettings) -> None:
        """Keeps the settings with the number."""
        changes = {
            "friendly_name": settings.friendly_name,
            "voice_url": settings.voice_url,
            "status_url": settings.status_url,
            "sms_url": settings.sms_url,
            "voice_fallback_url": settings.voice_fallback_url,
        }
        given = {name: value for name, value in changes.items() if value is not None}
        try:
            write_item(Update.set_attributes("core", _place(org_id, sid), given))
        except ConditionFailedError:
            raise RefusedError("the number is gone") from None


def _owned(item: Item) -> OwnedNumber:
    features = Features(voice=item["voice"], sms=item["sms"], mms=item["mms"])
    return OwnedNumber(item["sk"], item["e164"], item["friendly_name"], features)
