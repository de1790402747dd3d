"""Messages and suppressions.

| item | table | pk | sk | gsi1 | gsi2 |
|---|---|---|---|---|---|
| message | activity | `<org>#message#<id>` | `message` | `<org>#mail#<agent>`, `<when>#<id>` | `<org>#mail`, the same |
| Message-ID look-up | activity | `<org>#message-id#<digest>` | `message-id` | | |
| suppression | core | `<org>#suppressed` | `<digest of address>` | | |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from switchboard.aws import clock, secret, table
from switchboard.aws.table import Check, Item, Key, Page, Put, Query
from switchboard.email.models import Message


def key(org_id: str, message_id: str) -> Key:
    return {"pk": f"{org_id}#message#{message_id}", "sk": "message"}


def put(message: Message, *, listed: bool = True) -> Put:
    return Put(table="activity", item=_item(message, listed=listed), unless_exists=True)


def save(message: Message) -> Put:
    """Write the next version of a message, if it still follows the one that was read."""
    return Put(
        table="activity",
        item=_item(message, listed=message.kind == "mail"),
        condition="version = :before",
        values={":before": message.version - 1},
    )


def _item(message: Message, *, listed: bool) -> Item:
    item = {**key(message.org_id, message.id), **message.model_dump(mode="json")}
    if listed:
        place = f"{message.created_at}#{message.id}"
        item |= {"gsi1pk": f"{message.org_id}#mail#{message.agent_id}", "gsi1sk": place}
        item |= {"gsi2pk": f"{message.org_id}#mail", "gsi2sk": place}
    return item


def get(org_id: str, message_id: str) -> Message | None:
    item = table.get("activity", key(org_id, message_id))
    return Message.model_validate(item) if item else None


def page(org_id: str, agent_id: str | None, filters: dict[str, str], limit: int, start: Item | None) -> Page:
    query = Query(
        table="activity",
        index="gsi1" if agent_id else "gsi2",
        partition=f"{org_id}#mail#{agent_id}" if agent_id else f"{org_id}#mail",
        forward=False,
        where=" AND ".join(f"#{name} = :{name}" for name in filters) or None,
        names={f"#{name}": name for name in filters},
        values={f":{name}": value for name, value in filters.items()},
    )
    return query.page(limit, start)


def put_message_id(message: Message, message_id: str) -> Put:
    """Remember under which Message-ID the mail travels, so that a reply finds it."""
    pointer: dict[str, Any] = {
        "pk": f"{message.org_id}#message-id#{secret.digest(message_id)}",
        "sk": "message-id",
        "org_id": message.org_id,
        "message_id": message.id,
    }
    return Put(table="activity", item=pointer)


def find_by_message_id(org_id: str, message_id: str) -> Message | None:
    pointer = table.get("activity", {"pk": f"{org_id}#message-id#{secret.digest(message_id)}", "sk": "message-id"})
    return get(org_id, pointer["message_id"]) if pointer else None


def suppression_key(org_id: str, address: str) -> Key:
    return {"pk": f"{org_id}#suppressed", "sk": secret.digest(address.lower())}


def unsuppressed(org_id: str, address: str, otherwise: Callable[[list[Item | None]], Exception]) -> Check:
    return Check(
        table="core",
        key=suppression_key(org_id, address),
        condition="attribute_not_exists(pk)",
        otherwise=otherwise,
    )


def suppress(org_id: str, address: str, reason: str) -> Put:
    return Put(
        table="core",
        item={**suppression_key(org_id, address), "address": address, "reason": reason, "at": clock.stamp()},
    )
