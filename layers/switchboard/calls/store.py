"""Calls in the `activity` table.

| item | pk | sk |
|---|---|---|
| call | `<org>#call#<id>` | `call` |
| texts of a call | `<org>#call#<id>` | `texts` |
| turn | `<org>#call#<id>` | `turn#<number>` |
| tool use | `<org>#call#<id>` | `tool#<id>` |
| entry of a tag's list | `<org>#list#calls#tag=<tag>` | `<created_at>#<id>#<other number>` |
| pointer from a `request_id` | `<org>#request#<live or test>#<request id>` | `request` |

Turns and tool uses are separate items, so that reports of them do not write the call. The pointer is stored as long
as the call. Each transition writes the call, and each page of a list reads it. So the longer texts of its talk (the
first words, the variables and the task context) are an item of their own, in the commit of the call, and never change.
Short ones stay on the call, because a second item costs more. The prompt is stored nowhere: the flow's version has it.

gsi2 lists calls by direction. gsi1 lists them by direction and agent, gsi3 by direction and state, and gsi4 by
direction, agent and state. A list of both directions reads two partitions. States of which a call soon leaves one for
the other share a list (`_LISTED_AS`), so that a page reads few partitions. Calls in ENDING are in one list for both
directions, because the console shows them among the completed ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import ConditionCheck, Delete, Put
from switchboard.calls.models import DIRECTIONS, Call, Direction, Order, State
from switchboard.carriers.voice.ports.reports import ToolUse, Turn
from switchboard.compliance.models import StandingConsent
from switchboard.kit import texts
from switchboard.kit.background import BackgroundTask
from switchboard.persistence.collection import Collection
from switchboard.persistence.listing import HintedPlace, Listing, ListView, place_of
from switchboard.persistence.optimistic import AlreadyRecordedError, StaleVersionError

Refusal = Callable[[list[Item | None]], Exception]

LISTING = Listing(
    "activity",
    "calls",
    (
        ListView(index="gsi2", by=("direction",)),
        ListView(index="gsi1", by=("direction", "agent_id")),
        ListView(index="gsi3", by=("direction", "state")),
        ListView(index="gsi3", by=("ending",)),
        ListView(index="gsi4", by=("direction", "agent_id", "state")),
        ListView(index="gsi4", by=("agent_id", "ending")),
        ListView(by=("tag",)),
    ),
)
_LISTED_AS = {State.DIALING: State.CREATED, State.UNCONFIRMED: State.CREATED, State.HOLD: State.ACTIVE}


#: The longest texts of a call that stay on it, in bytes. With them, a usual call has less than two write units. A
#: new one with a sentence of greeting has less than one.
MAX_BYTES_ON_CALL = 500


def _key(org_id: str, call_id: str) -> Key:
    return {"pk": f"{org_id}#call#{call_id}", "sk": "call"}


def list_place(call: Call) -> str:
    """Returns a call's place in its lists: its time and id, then what a list reads beside the call (`list_hint`)."""
    return f"{place_of(call.created_at, call.id)}#{list_hint(call)}"


def call_id_of(place: str) -> str:
    """Returns the id of the call at a place of its lists."""
    return place.split("#")[1]


def list_hint(call: Call) -> str:
    """Returns the other side's number and the flow. A list reads the contact and the flow's name with the call."""
    return f"{call.person_number}#{call.flow_id or ''}"


def _lists(call: Call) -> Item:
    ending = call.state is State.ENDING
    values = {
        "direction": call.direction,
        "agent_id": call.agent_id,
        "state": None if ending else _LISTED_AS.get(call.state, call.state).value,
        "ending": "yes" if ending else None,
    }
    return LISTING.index_attributes(call.org_id, list_place(call), values)


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    fields = model.model_fields.items()
    return {name: one.get_default(call_default_factory=True) for name, one in fields if not one.is_required()}


_CALL_DEFAULTS, _ORDER_DEFAULTS = _defaults(Call), _defaults(Order)
#: Attributes that lists and conditions read.
_ALWAYS_STORED = frozenset({"state", "direction", "version"})
#: Wishes of the order that the acceptance decided: the call has the result.
_DECIDED = frozenset({"voice_id", "greeting", "from_number", "agent_id"})
#: Fields of the order that the call has, too, with their names in the call.
_REPEATED = {"to": "to_number", "tier": "tier"}
#: Fields that the keys of the item have (`_read_keys`).
_IN_KEYS = frozenset({"id", "org_id", "created_at", "flow_id"})


def _pack(item: Item) -> Item:
    # Defaults and repeated values are not stored: each transition writes the call, and a new call has to stay below
    # 1 KB, which halves the cost of its write. The order has the caller's own JSON: metadata, variables and task
    # context.
    apart = item.get("texts_apart", False)
    said = {
        name: value
        for name, value in item.items()
        if name in _ALWAYS_STORED or (name not in _IN_KEYS and value != _CALL_DEFAULTS.get(name))
    }
    if item["updated_at"] == item["created_at"]:
        del said["updated_at"]
    order = {
        name: value
        for name, value in item["order"].items()
        if value != _ORDER_DEFAULTS.get(name)
        and name not in _DECIDED
        and not (apart and name in ("variables", "task_context"))
        and not (name in _REPEATED and value == item[_REPEATED[name]])
    }
    if apart:
        said.pop("greeting", None)
    if basis := order.get("basis"):
        order["basis"] = {name: value for name, value in basis.items() if (name, value) != ("of", _placer(item))}
    return said | {"order": texts.dump_json(order)}


def _unpack(item: Item) -> Item:
    # An old call has all fields: they are the same as those of the keys.
    item = _read_keys(item) | item
    repeated = {name: item[of_call] for name, of_call in _REPEATED.items()}
    order = repeated | texts.load_json(item["order"])
    if basis := order.get("basis"):
        order["basis"] = {"of": _placer(item)} | basis
    return {"updated_at": item["created_at"]} | item | {"order": order}


def _placer(item: Item) -> str:
    """Returns the name of the member who placed a call, in a consent that this member states."""
    return StandingConsent.name_of_member(item.get("placed_by") or "")


def _read_keys(item: Item) -> Item:
    """Returns the fields that are not stored, from the item's key and its place in the lists (`list_place`)."""
    org_id, _, call_id = item["pk"].split("#")
    created_at, flow_id = item["gsi2sk"].split("#", 1)[0], item["gsi2sk"].rpartition("#")[2]
    return {"id": call_id, "org_id": org_id, "created_at": created_at, "flow_id": flow_id or None}


CALLS = Collection("activity", Call, _key, _lists, _pack, _unpack)


def call_ref(org_id: str, call_id: str) -> Ref[Call]:
    """Returns the reference to a call."""
    return Ref("activity", _key(org_id, call_id), CALLS.from_item)


def new_call_writes(call: Call) -> list[Put]:
    """Returns the writes that store a new call with its texts."""
    order = call.order
    said = texts.dump_json(
        {"greeting": call.greeting, "variables": order.variables, "task_context": order.task_context}
    )
    if len(said.encode()) <= MAX_BYTES_ON_CALL:
        return [CALLS.create_write(call)]
    return [
        CALLS.create_write(call.model_copy(update={"texts_apart": True})),
        Put(table="activity", item={**_texts_key(call), "texts": said}, unless_exists=True),
    ]


def add_texts(call: Call) -> Call:
    """Returns a call with its texts, for a talk. Saving a later version of it stores no text again."""
    if not call.texts_apart:
        return call
    item = reads.get_item("activity", _texts_key(call))
    assert item is not None, "a call and its texts are in one commit"
    said = texts.load_json(item["texts"])
    order = call.order.model_copy(update={"variables": said["variables"], "task_context": said["task_context"]})
    return call.model_copy(update={"greeting": said["greeting"], "order": order})


def _texts_key(call: Call) -> Key:
    return {**_key(call.org_id, call.id), "sk": "texts"}


def tag_entry_writes(call: Call, before: Sequence[str], after: Sequence[str]) -> list[Put | Delete]:
    """Returns the writes that list a call by its tags (`CallTag.key`)."""
    # The place is without the flow, which may change: the same entry must be found again.
    place = f"{place_of(call.created_at, call.id)}#{call.person_number}"
    key = dict(_key(call.org_id, call.id))
    return LISTING.entry_writes(call.org_id, place, key, "tag", before, after, hint=call.flow_id)


def list_places_of_tag(
    org_id: str, tag_key: str, limit: int, since: str | None, before: str | None
) -> list[HintedPlace]:
    """Returns the places of a tag's calls, the newest first, with the flow at the time of the tag."""
    return LISTING.hinted_places(org_id, {"tag": [tag_key]}, limit, since=since, before=before)


def new_tag_writes(call: Call) -> list[Put]:
    """Returns the writes that list a new call by all of its tags, for a bulk load."""
    return [write for write in tag_entry_writes(call, [], [tag.key for tag in call.tags]) if isinstance(write, Put)]


def find_call(org_id: str, call_id: str) -> Call | None:
    """Returns the organization's call with this id, for a worker."""
    return CALLS.get_object(org_id, call_id)


def find_calls(places: Sequence[tuple[str, str]]) -> list[Call | None]:
    """Returns the calls of up to 100 pairs of organization and id, in the same order, for a worker."""
    return CALLS.get_objects(places)


def unchanged_check(call: Call) -> ConditionCheck:
    """Returns the check that a call has not changed since it was read. Raises StaleVersionError at commit."""
    return ConditionCheck(
        table="activity",
        key=_key(call.org_id, call.id),
        condition="version = :version",
        values={":version": call.version},
        otherwise=StaleVersionError,
    )


def list_calls(
    org_id: str,
    agent_id: str | None,
    states: Sequence[State],
    direction: Direction | None,
    limit: int,
    after: str | None,
) -> tuple[list[Call], str | None]:
    """Returns a page of calls, the newest first, and the cursor of the next page.

    States may share a list, and ENDING is in a list of its own. So the calls are compared with the filters, too.
    """
    wanted: dict[str, Sequence[str]] = {"agent_id": [agent_id] if agent_id else []}
    if State.ENDING in states:
        wanted["ending"] = ["yes"]
    else:
        wanted |= {"direction": [direction] if direction else DIRECTIONS, "state": lists_of_states(states)}
    also = [direction or "", *sorted(state.value for state in states)]

    def fits(item: Item) -> bool:
        call = CALLS.from_item(item)
        return (not states or call.state in states) and direction in (None, call.direction)

    page = LISTING.read_page(org_id, wanted, limit, after, also=also, fits=fits if states else None)
    return [CALLS.from_item(item) for item in page.items], page.cursor


def lists_of_states(states: Sequence[State]) -> list[str]:
    """Returns the lists by state that have the calls in these states. Those in ENDING are in a list of their own."""
    return sorted({_LISTED_AS.get(state, state).value for state in states if state is not State.ENDING})


def list_places(
    org_id: str, direction: Direction | None, states: Sequence[State], limit: int, since: str | None, before: str | None
) -> list[str]:
    """Returns the places of calls, the newest first. They may be in another state of the same list by now."""
    lists: list[dict[str, Sequence[str]]] = []
    if State.ENDING in states:
        lists.append({"ending": ["yes"]})
    if not states or (by_state := lists_of_states(states)):
        directions = [direction] if direction else DIRECTIONS
        lists.append({"direction": directions, "state": by_state if states else []})
    tasks = [
        BackgroundTask(partial(LISTING.places, org_id, wanted, limit, since=since, before=before)) for wanted in lists
    ]
    for task in tasks[1:]:
        task.start()
    return sorted({place for task in tasks for place in task.result()}, reverse=True)[:limit]


def turn_writes(call: Call, turn: Turn) -> Put:
    """Returns the write that records a turn once. A final turn replaces an interim one, never the reverse."""
    item = {"pk": _key(call.org_id, call.id)["pk"], "sk": f"turn#{turn.number:05d}", **turn.model_dump()}
    if not turn.final:
        return Put(table="activity", item=item, unless_exists=True, otherwise=AlreadyRecordedError)
    return Put(
        table="activity",
        item=item,
        condition="attribute_not_exists(pk) OR #final = :interim",
        names={"#final": "final"},
        values={":interim": False},
        otherwise=AlreadyRecordedError,
    )


def tool_use_writes(call: Call, tool: ToolUse) -> Put:
    # The arguments are JSON from a provider.
    kept = texts.dump_json(tool.model_dump(mode="json"))
    item = {"pk": _key(call.org_id, call.id)["pk"], "sk": f"tool#{tool.id}", "tool": kept}
    return Put(table="activity", item=item, unless_exists=True, otherwise=AlreadyRecordedError)


def tool_result_writes(call: Call, tool: ToolUse) -> Put:
    """Returns the write that replaces a tool use by the same use with its result."""
    put = tool_use_writes(call, tool)
    return Put(table=put.table, item=put.item)


def list_tool_uses(org_id: str, call_id: str) -> list[ToolUse]:
    return parse_tool_uses(Query(table="activity", partition=_key(org_id, call_id)["pk"], begins="tool#").read_all())


def parse_tool_uses(items: Iterable[Item]) -> list[ToolUse]:
    """Returns the tool uses of stored items, by their time."""
    found = (ToolUse.model_validate(texts.load_json(item["tool"])) for item in items)
    return sorted(found, key=lambda tool: tool.start_ms)


def list_turns(org_id: str, call_id: str, *, newest_first: bool = False) -> Iterator[Turn]:
    query = Query(table="activity", partition=_key(org_id, call_id)["pk"], begins="turn#", forward=not newest_first)
    return (Turn.model_validate(item) for item in query.read_all())


def get_turns(call: Call, *numbers: int) -> list[Turn | None]:
    """Returns the turns with the given numbers, `None` for missing ones."""
    partition = _key(call.org_id, call.id)["pk"]
    keys: list[Key] = [{"pk": partition, "sk": f"turn#{number:05d}"} for number in numbers]
    return [Turn.model_validate(item) if item else None for item in reads.get_items("activity", keys)]


def _request_key(org_id: str, mode: str, request_id: str) -> Key:
    return {"pk": f"{org_id}#request#{mode}#{request_id}", "sk": "request"}


def request_id_writes(org_id: str, mode: str, request_id: str, call_id: str, otherwise: Refusal) -> Put:
    item = {**_request_key(org_id, mode, request_id), "call_id": call_id}
    return Put(table="activity", item=item, unless_exists=True, otherwise=otherwise)


def get_call_id_of_request(org_id: str, mode: str, request_id: str) -> str | None:
    """Returns the id of the call with a `request_id`."""
    item = reads.get_item("activity", _request_key(org_id, mode, request_id))
    return str(item["call_id"]) if item else None


def get_call_id_of_request_with(org_id: str, mode: str, request_id: str | None, beside: Key) -> tuple[str | None, Item]:
    """Returns the id of the call with a `request_id`, and an item of the `core` table, in one read."""
    places: list[tuple[str, Key]] = [("core", beside)]
    if request_id is not None:
        places.append(("activity", _request_key(org_id, mode, request_id)))
    other, *known = reads.get_items_of_tables(places)
    return str(known[0]["call_id"]) if known and known[0] else None, other or {}
