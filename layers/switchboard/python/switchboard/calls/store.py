"""Calls in the `activity` table.

| item | pk | sk | gsi1 | gsi2 |
|---|---|---|---|---|
| call | `<org>#call#<id>` | `call` | `<org>#calls#<agent>`, `<when>#<id>` | `<org>#calls`, the same |
| turn | `<org>#call#<id>` | `turn#<number>` | | |
| tool use | `<org>#call#<id>` | `tool#<id>` | | |
"""

from __future__ import annotations

from collections.abc import Iterator

from switchboard.aws import table
from switchboard.aws.table import Item, Key, Page, Put, Query
from switchboard.calls.models import Call, ToolUse, Turn


def key(org_id: str, call_id: str) -> Key:
    return {"pk": f"{org_id}#call#{call_id}", "sk": "call"}


def put(call: Call) -> Put:
    return Put(table="activity", item=_item(call), unless_exists=True)


def save(call: Call) -> Put:
    """Write the next version of a call, if it still follows the one that was read."""
    return Put(table="activity", item=_item(call), condition="version = :before", values={":before": call.version - 1})


def _item(call: Call) -> Item:
    place = f"{call.created_at}#{call.id}"
    item = {**key(call.org_id, call.id), **call.model_dump(mode="json")}
    item |= {"gsi2pk": f"{call.org_id}#calls", "gsi2sk": place}
    if call.agent_id:
        item |= {"gsi1pk": f"{call.org_id}#calls#{call.agent_id}", "gsi1sk": place}
    return item


def get(org_id: str, call_id: str) -> Call | None:
    item = table.get("activity", key(org_id, call_id))
    return Call.model_validate(item) if item else None


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
    return Put(table="activity", item=item, unless_exists=True)


def put_tool(call: Call, tool: ToolUse) -> Put:
    # Arguments come from outside: as text they keep fractions, which the table's numbers do not.
    item = {"pk": key(call.org_id, call.id)["pk"], "sk": f"tool#{tool.id}", "tool": tool.model_dump_json()}
    return Put(table="activity", item=item, unless_exists=True)


def tools(org_id: str, call_id: str) -> list[ToolUse]:
    query = Query(table="activity", partition=key(org_id, call_id)["pk"], begins="tool#")
    return sorted((ToolUse.model_validate_json(item["tool"]) for item in query.all()), key=lambda tool: tool.start_ms)


def turns(org_id: str, call_id: str) -> Iterator[Turn]:
    query = Query(table="activity", partition=key(org_id, call_id)["pk"], begins="turn#")
    return (Turn.model_validate(item) for item in query.all())
