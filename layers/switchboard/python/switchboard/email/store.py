"""Messages and suppressions.

| item | table | pk | sk |
|---|---|---|---|
| head of a message | activity | `<org>#message#<id>` | `message` |
| content of a message | activity | the same | `content` |
| report about a recipient | activity | the same | `to#<digest of address>` |
| Message-ID look-up | activity | `<org>#message-id#<digest>` | `message-id` |
| mail that an inbox has received | activity | `<org>#received#<agent>#<digest>` | `received` |
| suppression | core | `<org>#suppressed` | `<digest of address>` |
| suppression of the platform's own mail to a mailbox | core | `suppressed#<digest of mailbox>` | `suppressed` |
| bounce of the platform's own mail | core | `suppressed#<digest of address>` | `bounced` |

`switchboard.email.lists` lists the heads. A recipient without a report has no item. The last two items belong to no
organization: they store a reason, and no address.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from switchboard.aws import clock, secret, table
from switchboard.aws.table import Check, Delete, Item, Key, Put, Query, Write, Writes
from switchboard.email import contents, lists
from switchboard.email.address import mailbox
from switchboard.email.models import READ, Head, Message, Suppression
from switchboard.email.standing import Report, Standing
from switchboard.kit.change import Moved
from switchboard.kit.collection import Collection
from switchboard.kit.listing import page_of
from switchboard.usage.models import Receipt

_REPORTS = "to#"
#: How long a bounce stops the platform's own mail. Afterwards it tries again: the mailbox may have been full or new.
_BOUNCE_KEPT = timedelta(days=180)
#: The head's fields that its key contains, and the usual values of fields that are not stored.
_IN_KEY = ("org_id", "id")
_USUAL = {"kind": "mail", "direction": "OUTBOUND", "turns": 0}


def key(org_id: str, message_id: str) -> Key:
    return {"pk": f"{org_id}#message#{message_id}", "sk": "message"}


def _content_key(org_id: str, message_id: str) -> Key:
    return {**key(org_id, message_id), "sk": "content"}


def _pack(item: Item) -> Item:
    """Returns a head's attributes in as few bytes as possible: with its index keys it fits into a kilobyte."""
    kept = {name: item[name] for name in Head.model_fields if name not in _IN_KEY and item[name] not in (None, "", [])}
    if kept["thread_id"] == item["id"]:
        del kept["thread_id"]
    return {name: value for name, value in kept.items() if _USUAL.get(name) != value}


def _unpack(item: Item) -> Item:
    org_id, _, message_id = item["pk"].split("#")
    return {"thread_id": message_id, **item, "org_id": org_id, "id": message_id}


HEADS = Collection(table="activity", model=Head, key=key, lists=lists.attributes, pack=_pack, unpack=_unpack)


def put(message: Message, parent: Head | None = None, *, otherwise: Callable[..., Exception] | None = None) -> Writes:
    """The writes that store a new message and add it to its lists. `parent` is the message that it answers."""
    content = {**_content_key(message.org_id, message.id), **contents.write(message)}
    head = contents.head_of(message)
    return [
        Put(table="activity", item=HEADS.item(head), unless_exists=True, otherwise=otherwise),
        Put(table="activity", item=content),
        lists.thread_writes(head, parent),
        lists.label_writes(head, (READ,), head.labels),
    ]


def get_head(org_id: str, message_id: str) -> Head | None:
    return HEADS.get(org_id, message_id)


def get(org_id: str, message_id: str) -> Message | None:
    """Returns a complete message, in one read."""
    head, content = table.get_many("activity", [key(org_id, message_id), _content_key(org_id, message_id)])
    return contents.read(HEADS.read(head), content) if head else None


def get_receipt(org_id: str, message_id: str) -> Receipt | None:
    """Returns the usage counters that counted a mail's recipients, `None` if the mail is not charged."""
    content = table.get("activity", _content_key(org_id, message_id))
    return Receipt.model_validate(content["receipt"]) if content and "receipt" in content else None


def get_with_reports(org_id: str, message_id: str) -> tuple[Message, list[Report]] | None:
    """Returns a complete message and the report about each recipient, in one read."""
    items = list(Query(table="activity", partition=key(org_id, message_id)["pk"]).all())
    by_kind = {item["sk"]: item for item in items}
    if "message" not in by_kind:
        return None
    standing = _standing(items)
    message = contents.read(standing.head, by_kind.get("content"))
    return message, [standing.report(address) for address in message.recipients]


def page(
    org_id: str, agent_id: str | None, filters: lists.Filters, limit: int, after: str | None
) -> tuple[list[Message], str | None]:
    """A page of complete messages, and the cursor of the next page. Reads the list, the heads, then the contents."""
    found = lists.page(org_id, agent_id, filters, limit, after)
    items, more = found.items, found.cursor
    thread = filters.get("thread_id", ())
    if thread and not items and not after and more is None:
        # A message without an answer is not in the list of a thread.
        root = table.get("activity", key(org_id, thread[0]))
        items = [root] if root and _is_root(root) and lists.shows(root, agent_id, filters) else []
    heads = [HEADS.read(item) for item in items]
    said = table.get_many("activity", [_content_key(org_id, head.id) for head in heads]) if heads else []
    return [contents.read(head, content) for head, content in zip(heads, said, strict=True)], more


def _is_root(item: Item) -> bool:
    # The head that began a conversation does not store the thread's id.
    head = _unpack(item)
    return bool(head["thread_id"] == head["id"])


def standing(org_id: str, message_id: str) -> Standing | None:
    """Returns a message's head and the reports about its recipients, in one read, without the content."""
    items = _heads_and_reports(key(org_id, message_id)["pk"])
    return _standing(items) if any(item["sk"] == "message" for item in items) else None


def _standing(items: Sequence[Item]) -> Standing:
    head = next(item for item in items if item["sk"] == "message")
    reports = (Report.model_validate(item) for item in items if item["sk"].startswith(_REPORTS))
    return Standing(HEADS.read(head), {report.address.lower(): report for report in reports})


def _heads_and_reports(pk: str) -> list[Item]:
    # `content` sorts before `message` and `to#`, so the range leaves it out.
    return list(Query(table="activity", partition=pk, between=("message", f"{_REPORTS}~")).all())


def save(after: Standing) -> list[Write]:
    """The writes of the changed head and reports. Raise Moved at commit if one changed since it was read."""
    writes: list[Write] = [_save_report(after.head, after.reports[address]) for address in sorted(after.changed)]
    return [*writes, HEADS.save(after.head)] if after.head_moved else writes


def _save_report(head: Head, report: Report) -> Put:
    sk = _REPORTS + secret.digest(report.address.lower())
    item = {**key(head.org_id, head.id), "sk": sk, **report.model_dump(mode="json", exclude_none=True)}
    if report.version == 1:
        return Put(table="activity", item=item, unless_exists=True, otherwise=Moved)
    return Put(
        table="activity",
        item=item,
        condition="version = :before",
        values={":before": report.version - 1},
        otherwise=Moved,
    )


def put_message_id(message: Head, message_id: str) -> Put:
    """The write that stores the Message-ID of a mail, so that a reply finds the mail."""
    pointer = {**_message_id_key(message.org_id, message_id), "message_id": message.id}
    return Put(table="activity", item=pointer)


def find_by_message_id(org_id: str, message_id: str) -> Message | None:
    pointer = table.get("activity", _message_id_key(org_id, message_id))
    return get(org_id, pointer["message_id"]) if pointer else None


def known(org_id: str, message_ids: Sequence[str]) -> dict[str, str]:
    """Returns the Message-IDs that the organization knows, with our own ids, in the given order. Takes up to 100."""
    wanted = list(dict.fromkeys(message_ids))
    pointers = table.get_many("activity", [_message_id_key(org_id, message_id) for message_id in wanted])
    return {name: str(pointer["message_id"]) for name, pointer in zip(wanted, pointers, strict=True) if pointer}


def _message_id_key(org_id: str, message_id: str) -> Key:
    return {"pk": f"{org_id}#message-id#{secret.digest(message_id)}", "sk": "message-id"}


def put_received(message: Message, digest: str, otherwise: Callable[[list[Item | None]], Exception]) -> Put:
    """The write that records a received mail in an inbox, so that the inbox gets the mail only once."""
    item = {
        "pk": f"{message.org_id}#received#{message.agent_id}#{digest}",
        "sk": "received",
        "message_id": message.id,
    }
    return Put(table="activity", item=item, unless_exists=True, otherwise=otherwise)


def suppression_key(org_id: str, address: str) -> Key:
    return {"pk": f"{org_id}#suppressed", "sk": secret.digest(address.lower())}


def suppressed(org_id: str, addresses: Sequence[str]) -> list[str]:
    """Returns the suppressed addresses of the organization among up to a hundred addresses, as they are stored."""
    found = table.get_many("core", [suppression_key(org_id, address) for address in addresses])
    return [item["address"] for item in found if item]


def reachable(address: str, otherwise: Callable[[list[Item | None]], Exception]) -> list[Check]:
    """The checks that the platform's own mail to an address is not suppressed."""
    return [_absent(key, otherwise) for key in _unreachable_keys(address)]


def unsuppressed(org_id: str, address: str, otherwise: Callable[[list[Item | None]], Exception]) -> Check:
    """The check that the organization's mail to an address is not suppressed."""
    return _absent(suppression_key(org_id, address), otherwise)


def _absent(key: Key, otherwise: Callable[[list[Item | None]], Exception]) -> Check:
    return Check(table="core", key=key, condition="attribute_not_exists(pk)", otherwise=otherwise)


def suppress(org_id: str, address: str, reason: str) -> Put:
    """The write that suppresses an address. It replaces an earlier suppression."""
    return Put(
        table="core",
        item={**suppression_key(org_id, address), "address": address, "reason": reason, "at": clock.stamp()},
    )


def enter_suppression(org_id: str, entry: Suppression, otherwise: Callable[[list[Item | None]], Exception]) -> Put:
    """The write that suppresses an address. Raises `otherwise` at commit if the address is suppressed already."""
    facts = entry.model_dump(mode="json", exclude={"created_at"}, exclude_none=True)
    item = {**suppression_key(org_id, entry.address), **facts, "at": entry.created_at}
    return Put(table="core", item=item, unless_exists=True, otherwise=otherwise)


def lift_suppression(org_id: str, address: str, otherwise: Callable[[list[Item | None]], Exception]) -> Delete:
    """The write that lifts a suppression. Raises `otherwise` at commit if the address is not suppressed."""
    return _present(suppression_key(org_id, address), otherwise)


def _present(key: Key, otherwise: Callable[[list[Item | None]], Exception]) -> Delete:
    return Delete(table="core", key=key, condition="attribute_exists(pk)", otherwise=otherwise)


def read_suppression(item: Item) -> Suppression:
    return Suppression.model_validate({**item, "created_at": item["at"]})


def get_suppression(org_id: str, address: str) -> Suppression | None:
    item = table.get("core", suppression_key(org_id, address))
    return read_suppression(item) if item else None


def list_suppressions(org_id: str, limit: int, after: str | None) -> tuple[list[Suppression], str | None]:
    """A page of the suppressions, in the order of their digests, and the cursor of the next page."""
    return page_of(
        Query(table="core", partition=f"{org_id}#suppressed"), read_suppression, org_id, "suppressions", limit, after
    )


def _unreachable_keys(address: str) -> list[Key]:
    """Returns the keys that stop the platform's own mail to an address: a bounce of it, or a complaint of its mailbox.

    A bounce counts only for the exact address. Anyone can make the platform write to `ada+nobody@…`, which bounces if
    the provider does not support `+`; this must not affect `ada@…`. A complaint comes from a person, so it counts for
    all spellings of the mailbox.
    """
    return [
        {"pk": f"suppressed#{secret.digest(address.lower())}", "sk": "bounced"},
        {"pk": f"suppressed#{secret.digest(mailbox(address))}", "sk": "suppressed"},
    ]


def is_unreachable(address: str) -> bool:
    """Whether the platform's own mail to an address is suppressed."""
    return get_unreachable(address) is not None


def suppress_system_mail(address: str, reason: str) -> Put:
    """The write that stops the platform's own mail. A bounce stops the exact address for some time.

    Any other reason stops the mailbox permanently.
    """
    bounced, stopped = _unreachable_keys(address)
    said: Item = {"reason": reason, "at": clock.stamp()}
    if reason == "bounce":
        return Put(table="core", item={**bounced, **said, "expires": int((clock.now() + _BOUNCE_KEPT).timestamp())})
    return Put(table="core", item={**stopped, **said})


def get_unreachable(address: str) -> Item | None:
    """Returns the item that stops the platform's own mail to an address, with reason and time, or `None`."""
    return next((item for item in table.get_many("core", _unreachable_keys(address)) if item), None)


def lift_system_suppression(address: str, otherwise: Callable[[list[Item | None]], Exception]) -> list[Delete]:
    """The writes that allow the platform's own mail to an address again. Empty if it is not suppressed."""
    found = table.get_many("core", keys := _unreachable_keys(address))
    return [_present(key, otherwise) for key, item in zip(keys, found, strict=True) if item]
