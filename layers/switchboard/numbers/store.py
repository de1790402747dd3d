"""Numbers in the `core` table.

| item | pk | sk |
|---|---|---|
| number | `<org>#numbers` | `<id>` |
| purchase | `<org>#number-purchases` | `<id>` |
| entry of a flow's numbers | `<org>#flow-numbers#<flow id>` | `<id>` |
| look-up of a number's id | `number#<id>` | `number` |
| look-up of a telephone number | `number-e164#<e164>` | `number` |

The look-ups hold pointers only. A provider's callback knows only the id, and an incoming call only the telephone
number. The second look-up also ensures that one organization at most has a telephone number. A purchase in progress
already holds it. A release deletes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import ConditionCheck, Delete, Put
from switchboard.numbers.models import Number, NumberStatus, Purchase
from switchboard.persistence.collection import Collection
from switchboard.persistence.listing import read_query_page

Refusal = Callable[[list[Item | None]], Exception]

ID_PREFIX = "num_"

NUMBERS = Collection("core", Number, lambda org_id, id_: {"pk": f"{org_id}#numbers", "sk": id_})
PURCHASES = Collection("core", Purchase, lambda org_id, id_: {"pk": f"{org_id}#number-purchases", "sk": id_})


def number_ref(org_id: str, number_id: str) -> Ref[Number]:
    """Returns the reference to a number."""
    return Ref("core", NUMBERS.key(org_id, number_id), NUMBERS.from_item)


def active_number_check(org_id: str, number_id: str, otherwise: Refusal) -> ConditionCheck:
    """Returns the check that the organization still has a number."""
    return ConditionCheck(
        table="core",
        key=NUMBERS.key(org_id, number_id),
        condition="#status = :active",
        names={"#status": "status"},
        values={":active": NumberStatus.ACTIVE.value},
        otherwise=otherwise,
    )


class Holder(NamedTuple):
    """The organization that holds a telephone number, and the id of the number or of its purchase."""

    org_id: str
    number_id: str


def _id_key(number_id: str) -> Key:
    return {"pk": f"number#{number_id}", "sk": "number"}


def _e164_key(e164: str) -> Key:
    return {"pk": f"number-e164#{e164}", "sk": "number"}


def holder_ref(e164: str) -> Ref[Holder]:
    """Returns the reference to the holder of a telephone number."""
    return Ref("core", _e164_key(e164), parse_holder)


def _flow_partition(org_id: str, flow_id: str) -> str:
    return f"{org_id}#flow-numbers#{flow_id}"


def find_org_of_number(number_id: str) -> str | None:
    pointer = reads.get_item("core", _id_key(number_id))
    return pointer["org_id"] if pointer else None


def find_holder(e164: str) -> Holder | None:
    pointer = reads.get_item("core", _e164_key(e164))
    return parse_holder(pointer) if pointer else None


def find_holders(e164s: list[str]) -> list[Holder | None]:
    """Reads the holders of telephone numbers, in their order."""
    found: list[Item | None] = []
    for begin in range(0, len(e164s), 100):
        found += reads.get_items("core", [_e164_key(e164) for e164 in e164s[begin : begin + 100]])
    return [parse_holder(item) if item else None for item in found]


def parse_holder(item: Item) -> Holder:
    return Holder(item["org_id"], item["number_id"])


def list_numbers(org_id: str) -> list[Number]:
    query = Query(table="core", partition=f"{org_id}#numbers")
    return [NUMBERS.from_item(item) for item in query.read_all()]


def list_numbers_from(org_id: str, start: Item | None, limit: int) -> tuple[list[Number], Item | None]:
    """Returns some of the organization's numbers, oldest first, and where to continue (`None` at the end)."""
    page = Query(table="core", partition=f"{org_id}#numbers").read_page(limit, start)
    return [NUMBERS.from_item(item) for item in page.items], page.next_key


def list_number_page(org_id: str, limit: int, after: str | None) -> tuple[list[Number], str | None]:
    """Returns a page of the organization's numbers, newest first, and the cursor of the next page."""
    query = Query(table="core", partition=f"{org_id}#numbers", forward=False)
    return read_query_page(query, NUMBERS.from_item, org_id, "numbers", limit, after)


def list_numbers_of_flow(org_id: str, flow_id: str) -> list[Number]:
    entries = Query(table="core", partition=_flow_partition(org_id, flow_id)).read_all()
    ids = [item["sk"] for item in entries]
    found = [one for begin in range(0, len(ids), 100) for one in _get_numbers(org_id, ids[begin : begin + 100])]
    return [number for number in found if number and flow_id in number.flow_ids]


def _get_numbers(org_id: str, number_ids: list[str]) -> list[Number | None]:
    return NUMBERS.get_objects([(org_id, number_id) for number_id in number_ids])


def new_number_writes(number: Number) -> list[Put]:
    """Returns the writes of a new number, without the look-up of its telephone number."""
    pointer = Put(table="core", item={**_id_key(number.id), "org_id": number.org_id}, unless_exists=True)
    return [NUMBERS.create_write(number), pointer, *_entry_writes(number, number.flow_ids)]


def moved_entry_writes(before: Number, after: Number) -> list[Put | Delete]:
    """Returns the writes that move a number's entries from its old flows to its new ones."""
    gone = [
        Delete(table="core", key={"pk": _flow_partition(before.org_id, flow_id), "sk": before.id})
        for flow_id in sorted(before.flow_ids - after.flow_ids)
    ]
    return [*gone, *_entry_writes(after, after.flow_ids - before.flow_ids)]


def _entry_writes(number: Number, flow_ids: set[str]) -> list[Put]:
    return [
        Put(table="core", item={"pk": _flow_partition(number.org_id, flow_id), "sk": number.id})
        for flow_id in sorted(flow_ids)
    ]


def hold_write(e164: str, holder: Holder, otherwise: Refusal) -> Put:
    """Returns the write by which an organization holds a telephone number, if nobody holds it."""
    return Put(table="core", item={**_e164_key(e164), **holder._asdict()}, unless_exists=True, otherwise=otherwise)


def unhold_write(e164: str, holder: Holder) -> Delete:
    """Returns the write that gives up a telephone number, if the holder still holds it."""
    return Delete(
        table="core",
        key=_e164_key(e164),
        condition="org_id = :org AND number_id = :number",
        values={":org": holder.org_id, ":number": holder.number_id},
    )
