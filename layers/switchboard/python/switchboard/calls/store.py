"""Calls in the `activity` table.

| item | pk | sk | gsi1 | gsi2 |
|---|---|---|---|---|
| call | `<org>#call#<id>` | `call` | `<org>#calls#<agent>`, `<when>#<id>` | `<org>#calls`, the same |
| turn | `<org>#call#<id>` | `turn#<number>` | | |
| tool use | `<org>#call#<id>` | `tool#<id>` | | |
| `request_id` look-up | `<org>#request#<live or test>#<request id>` | `request` | | |

The look-up holds a pointer only, and is kept as long as the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from switchboard.aws import freejson, table
from switchboard.aws.table import Item, Key, Page, Put, Query
from switchboard.calls.models import Call, ToolUse, Turn
from switchboard.kit.change import Recorded

Refusal = Callable[[list[Item | None]], Exception]


def key(org_id: str, call_id: str) -> Key:
    return {"pk": f"{org_id}#call#{call_id}", "sk": "call"}


def put(call: Call) -> Put:
    return Put(table="activity", item=_item(call), unless_exists=True)


def save(call: Call) -> Put:
    """Write the next version of a call, if it still follows the one that was read."""
    return Put(table="activity", item=_item(call), condition="version = :before", values={":before": call.version - 1})


def _item(call: Call) -> Item:
    place = f"{call.created_at}#{call.id}"
    item = {**key(call.org_id, call.id), **call.model_dump(mode="json", exclude={"order"})}
    # The order holds a caller's own JSON: metadata and variables.
    item["order"] = freejson.dump(call.order.model_dump(mode="json"))
    item |= {"gsi2pk": f"{call.org_id}#calls", "gsi2sk": place}
    if call.agent_id:
        item |= {"gsi1pk": f"{call.org_id}#calls#{call.agent_id}", "gsi1sk": place}
    return item


def get(org_id: str, call_id: str) -> Call | None:
    item = table.get("activity", key(org_id, call_id))
    return read(item) if item else None


def read(item: Item) -> Call:
    return Call.model_validate({**item, "order": freejson.load(item["order"])})


def page(
    org_id: str, agent_id: str | None, states: list[str], direction: str | None, limit: int, start: Item | None
) -> Page:
    wanted, values = [], {}
    if states:
        values = {f":state{n}": state for n, state in enumerate(states)}
        wanted.append(f"#state IN ({', '.join(values)})")
    if direction:
        values[":direction"] = direction
        wanted.append("#direction = :direction")
    names = ({"#state": "state"} if states else {}) | ({"#direction": "direction"} if direction else {})
    query = Query(
        table="activity",
        index="gsi1" if agent_id else "gsi2",
        partition=f"{org_id}#calls#{agent_id}" if agent_id else f"{org_id}#calls",
        forward=False,
        where=" AND ".join(wanted) or None,
        names=names,
        values=values,
    )
    return query.page(limit, start)


def put_turn(call: Call, turn: Turn) -> Put:
    item = {"pk": key(call.org_id, call.id)["pk"], "sk": f"turn#{turn.number:05d}", **turn.model_dump()}
    return Put(table="activity", item=item, unless_exists=True, otherwise=Recorded)


def put_tool(call: Call, tool: ToolUse) -> Put:
    # Arguments are a provider's JSON.
    kept = freejson.dump(tool.model_dump(mode="json"))
    item = {"pk": key(call.org_id, call.id)["pk"], "sk": f"tool#{tool.id}", "tool": kept}
    return Put(table="activity", item=item, unless_exists=True, otherwise=Recorded)


def tools(org_id: str, call_id: str) -> list[ToolUse]:
    query = Query(table="activity", partition=key(org_id, call_id)["pk"], begins="tool#")
    return sorted(
        (ToolUse.model_validate(freejson.load(item["tool"])) for item in query.all()), key=lambda tool: tool.start_ms
    )


def turns(org_id: str, call_id: str) -> Iterator[Turn]:
    query = Query(table="activity", partition=key(org_id, call_id)["pk"], begins="turn#")
    return (Turn.model_validate(item) for item in query.all())


def _request_key(org_id: str, mode: str, request_id: str) -> Key:
    return {"pk": f"{org_id}#request#{mode}#{request_id}", "sk": "request"}


def put_request(org_id: str, mode: str, request_id: str, call_id: str, otherwise: Refusal) -> Put:
    item = {**_request_key(org_id, mode, request_id), "call_id": call_id}
    return Put(table="activity", item=item, unless_exists=True, otherwise=otherwise)


def request(org_id: str, mode: str, request_id: str) -> str | None:
    """The id of the call that a `request_id` stands for."""
    item = table.get("activity", _request_key(org_id, mode, request_id))
    return str(item["call_id"]) if item else None


def request_beside(org_id: str, mode: str, request_id: str | None, beside: Key) -> tuple[str | None, Item]:
    """The id of the call that a `request_id` stands for, and an item of the `core` table: in one read."""
    places: list[tuple[str, Key]] = [("core", beside)]
    if request_id is not None:
        places.append(("activity", _request_key(org_id, mode, request_id)))
    other, *known = table.get_across(places)
    return str(known[0]["call_id"]) if known and known[0] else None, other or {}
