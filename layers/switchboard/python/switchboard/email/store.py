"""Messages and suppressions.

| item | table | pk | sk | gsi1 | gsi2 |
|---|---|---|---|---|---|
| message | activity | `<org>#message#<id>` | `message` | `<org>#mail#<agent>`, `<when>#<id>` | `<org>#mail`, the same |
| Message-ID look-up | activity | `<org>#message-id#<digest>` | `message-id` | | |
| what an inbox holds | activity | `<org>#received#<agent>#<digest>` | `received` | | |
| suppression | core | `<org>#suppressed` | `<digest of address>` | | |
| suppression of the platform's own mail | core | `suppressed#<digest of mailbox>` | `suppressed` | | |

The last is no organization's: it holds a reason, and no address.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from switchboard.aws import clock, freejson, secret, table
from switchboard.aws.table import Check, Item, Key, Page, Put, Query
from switchboard.email.address import mailbox
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
    item["metadata"] = freejson.dump(message.metadata)
    if listed:
        place = f"{message.created_at}#{message.id}"
        item |= {"gsi1pk": f"{message.org_id}#mail#{message.agent_id}", "gsi1sk": place}
        item |= {"gsi2pk": f"{message.org_id}#mail", "gsi2sk": place}
    return item


def read(item: Item) -> Message:
    return Message.model_validate({**item, "metadata": freejson.load(item["metadata"])})


def get(org_id: str, message_id: str) -> Message | None:
    item = table.get("activity", key(org_id, message_id))
    return read(item) if item else None


#: Lambda answers with 6 MB at most, and a message may have 600 KB as JSON.
_PAGE_SIZE = 4_000_000
#: What a list is narrowed by: a field of the message, and the values that it may have.
Filters = Mapping[str, Sequence[str]]


def page(org_id: str, agent_id: str | None, filters: Filters, limit: int, start: Item | None) -> Page:
    query = Query(
        table="activity",
        index="gsi1" if agent_id else "gsi2",
        partition=f"{org_id}#mail#{agent_id}" if agent_id else f"{org_id}#mail",
        forward=False,
        where=" AND ".join(_where(name, len(wanted)) for name, wanted in filters.items()) or None,
        names={f"#{name}": name for name in filters},
        values={f":{name}{number}": value for name, wanted in filters.items() for number, value in enumerate(wanted)},
    )
    return _answerable(query.page(limit, start), str(query.index))


def _answerable(page: Page, index: str) -> Page:
    """As much of a page as one answer may hold, but one message at least; the next page goes on from there."""
    size = 0
    for number, item in enumerate(page.items):
        size += sum(len(json.dumps(item.get(name))) for name in ("body", "body_html", "headers", "metadata"))
        if size > _PAGE_SIZE and number:
            last = page.items[number - 1]
            return Page(page.items[:number], {name: last[name] for name in ("pk", "sk", f"{index}pk", f"{index}sk")})
    return page


def _where(name: str, count: int) -> str:
    values = [f":{name}{number}" for number in range(count)]
    if name == "labels":
        return " AND ".join(f"contains(#{name}, {value})" for value in values)
    return f"#{name} IN ({', '.join(values)})"


def put_message_id(message: Message, message_id: str) -> Put:
    """Remember under which Message-ID the mail travels, so that a reply finds it."""
    pointer: dict[str, Any] = {
        **_message_id_key(message.org_id, message_id),
        "org_id": message.org_id,
        "message_id": message.id,
    }
    return Put(table="activity", item=pointer)


def find_by_message_id(org_id: str, message_id: str) -> Message | None:
    pointer = table.get("activity", _message_id_key(org_id, message_id))
    return get(org_id, pointer["message_id"]) if pointer else None


def known(org_id: str, message_ids: Sequence[str]) -> dict[str, str]:
    """Those of up to a hundred Message-IDs that the organisation knows, in the order given, each with our own id."""
    wanted = list(dict.fromkeys(message_ids))
    pointers = table.get_many("activity", [_message_id_key(org_id, message_id) for message_id in wanted])
    return {name: str(pointer["message_id"]) for name, pointer in zip(wanted, pointers, strict=True) if pointer}


def _message_id_key(org_id: str, message_id: str) -> Key:
    return {"pk": f"{org_id}#message-id#{secret.digest(message_id)}", "sk": "message-id"}


def put_received(message: Message, digest: str, otherwise: Callable[[list[Item | None]], Exception]) -> Put:
    """Remember what an inbox got, so that it gets it once."""
    marker = {
        "pk": f"{message.org_id}#received#{message.agent_id}#{digest}",
        "sk": "received",
        "org_id": message.org_id,
        "message_id": message.id,
    }
    return Put(table="activity", item=marker, unless_exists=True, otherwise=otherwise)


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


def _unreachable_key(address: str) -> Key:
    return {"pk": f"suppressed#{secret.digest(mailbox(address))}", "sk": "suppressed"}


def is_unreachable(address: str) -> bool:
    """Whether an address gets no more mail of the platform's own, in whichever way it is written."""
    return table.get("core", _unreachable_key(address)) is not None


def suppress_system_mail(address: str, reason: str) -> Put:
    return Put(table="core", item={**_unreachable_key(address), "reason": reason, "at": clock.stamp()})
