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

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import ConditionCheck, Delete, Put, Write, Writes
from switchboard.email import contents, lists
from switchboard.email.address import mailbox_of
from switchboard.email.models import READ, Message, MessageHead, Suppression
from switchboard.email.status import MailStatus, RecipientReport
from switchboard.kit import clock, texts
from switchboard.persistence.collection import Collection
from switchboard.persistence.listing import read_query_page
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.usage.models import SpendingReceipt

_REPORTS = "to#"
#: How long a bounce stops the platform's own mail. Afterwards it tries again: the mailbox may have been full or new.
_BOUNCE_KEPT = timedelta(days=180)
#: The head's fields that its key contains, and the usual values of fields that are not stored.
_IN_KEY = ("org_id", "id")
_USUAL = {"kind": "mail", "direction": "OUTBOUND", "turns": 0}


def message_key(org_id: str, message_id: str) -> Key:
    return {"pk": f"{org_id}#message#{message_id}", "sk": "message"}


def _content_key(org_id: str, message_id: str) -> Key:
    return {**message_key(org_id, message_id), "sk": "content"}


def _pack(item: Item) -> Item:
    """Returns a head's attributes in as few bytes as possible: with its index keys it fits into a kilobyte."""
    kept = {
        name: item[name]
        for name in MessageHead.model_fields
        if name not in _IN_KEY and item[name] not in (None, "", [])
    }
    if kept["thread_id"] == item["id"]:
        del kept["thread_id"]
    return {name: value for name, value in kept.items() if _USUAL.get(name) != value}


def _unpack(item: Item) -> Item:
    org_id, _, message_id = item["pk"].split("#")
    return {"thread_id": message_id, **item, "org_id": org_id, "id": message_id}


HEADS = Collection(
    table="activity", model=MessageHead, key=message_key, lists=lists.list_attributes, pack=_pack, unpack=_unpack
)


def put_message_writes(
    message: Message, parent: MessageHead | None = None, *, otherwise: Callable[..., Exception] | None = None
) -> Writes:
    """The writes that store a new message and add it to its lists. `parent` is the message that it answers."""
    content = {**_content_key(message.org_id, message.id), **contents.content_item(message)}
    head = contents.head_of(message)
    return [
        Put(table="activity", item=HEADS.to_item(head), unless_exists=True, otherwise=otherwise),
        Put(table="activity", item=content),
        lists.thread_writes(head, parent),
        lists.label_writes(head, (READ,), head.labels),
    ]


def find_head(org_id: str, message_id: str) -> MessageHead | None:
    """Returns the head of a message of the organization, for a worker."""
    return HEADS.get_object(org_id, message_id)


def find_heads(places: Sequence[tuple[str, str]]) -> list[MessageHead | None]:
    """Returns the heads of up to 100 messages, by organization and id, in the given order, for a worker."""
    return HEADS.get_objects(places)


def get_message(org_id: str, message_id: str) -> Message | None:
    """Returns a complete message, in one read."""
    head, content = reads.get_items("activity", [message_key(org_id, message_id), _content_key(org_id, message_id)])
    return contents.parse_message(HEADS.from_item(head), content) if head else None


def get_receipt(org_id: str, message_id: str) -> SpendingReceipt | None:
    """Returns the usage counters that counted a mail's recipients, `None` if the mail is not charged."""
    content = reads.get_item("activity", _content_key(org_id, message_id))
    return SpendingReceipt.model_validate(content["receipt"]) if content and "receipt" in content else None


def get_message_with_reports(org_id: str, message_id: str) -> tuple[Message, list[RecipientReport]] | None:
    """Returns a complete message and the report about each recipient, in one read."""
    items = list(Query(table="activity", partition=message_key(org_id, message_id)["pk"]).read_all())
    by_kind = {item["sk"]: item for item in items}
    if "message" not in by_kind:
        return None
    standing = _standing(items)
    message = contents.parse_message(standing.head, by_kind.get("content"))
    return message, [standing.report_of(address) for address in message.recipients]


def list_messages(
    org_id: str, agent_id: str | None, filters: lists.Filters, limit: int, after: str | None
) -> tuple[list[Message], str | None]:
    """A page of complete messages, and the cursor of the next page. Reads the list, the heads, then the contents."""
    found = lists.list_heads(org_id, agent_id, filters, limit, after)
    items, more = found.items, found.cursor
    thread = filters.get("thread_id", ())
    if thread and not items and not after and more is None:
        # A message without an answer is not in the list of a thread.
        root = reads.get_item("activity", message_key(org_id, thread[0]))
        items = [root] if root and _is_root(root) and lists.matches_filters(root, agent_id, filters) else []
    heads = [HEADS.from_item(item) for item in items]
    said = reads.get_items("activity", [_content_key(org_id, head.id) for head in heads]) if heads else []
    return [contents.parse_message(head, content) for head, content in zip(heads, said, strict=True)], more


def _is_root(item: Item) -> bool:
    # The head that began a conversation does not store the thread's id.
    head = _unpack(item)
    return bool(head["thread_id"] == head["id"])


def get_status(org_id: str, message_id: str) -> MailStatus | None:
    """Returns a message's head and the reports about its recipients, in one read, without the content."""
    items = _heads_and_reports(message_key(org_id, message_id)["pk"])
    return _standing(items) if any(item["sk"] == "message" for item in items) else None


def _standing(items: Sequence[Item]) -> MailStatus:
    head = next(item for item in items if item["sk"] == "message")
    reports = (RecipientReport.model_validate(item) for item in items if item["sk"].startswith(_REPORTS))
    return MailStatus(HEADS.from_item(head), {report.address.lower(): report for report in reports})


def _heads_and_reports(pk: str) -> list[Item]:
    # `content` sorts before `message` and `to#`, so the range leaves it out.
    return list(Query(table="activity", partition=pk, between=("message", f"{_REPORTS}~")).read_all())


def save_status_writes(after: MailStatus) -> list[Write]:
    """The writes of the changed head and reports.

    Raises StaleVersionError at commit if one changed since it was read.
    """
    writes: list[Write] = [_report_write(after.head, after.reports[address]) for address in sorted(after.changed)]
    return [*writes, HEADS.save_write(after.head)] if after.head_moved else writes


def _report_write(head: MessageHead, report: RecipientReport) -> Put:
    sk = _REPORTS + texts.digest(report.address.lower())
    item = {**message_key(head.org_id, head.id), "sk": sk, **report.model_dump(mode="json", exclude_none=True)}
    if report.version == 1:
        return Put(table="activity", item=item, unless_exists=True, otherwise=StaleVersionError)
    return Put(
        table="activity",
        item=item,
        condition="version = :before",
        values={":before": report.version - 1},
        otherwise=StaleVersionError,
    )


def message_id_writes(message: MessageHead, message_id: str) -> Put:
    """The write that stores the Message-ID of a mail, so that a reply finds the mail."""
    pointer = {**_message_id_key(message.org_id, message_id), "message_id": message.id}
    return Put(table="activity", item=pointer)


def find_by_message_id(org_id: str, message_id: str) -> Message | None:
    pointer = reads.get_item("activity", _message_id_key(org_id, message_id))
    return get_message(org_id, pointer["message_id"]) if pointer else None


def find_known_message_ids(org_id: str, message_ids: Sequence[str]) -> dict[str, str]:
    """Returns the Message-IDs that the organization knows, with our own ids, in the given order. Takes up to 100."""
    wanted = list(dict.fromkeys(message_ids))
    pointers = reads.get_items("activity", [_message_id_key(org_id, message_id) for message_id in wanted])
    return {name: str(pointer["message_id"]) for name, pointer in zip(wanted, pointers, strict=True) if pointer}


def _message_id_key(org_id: str, message_id: str) -> Key:
    return {"pk": f"{org_id}#message-id#{texts.digest(message_id)}", "sk": "message-id"}


def received_writes(message: Message, digest: str, otherwise: Callable[[list[Item | None]], Exception]) -> Put:
    """The write that records a received mail in an inbox, so that the inbox gets the mail only once."""
    item = {
        "pk": f"{message.org_id}#received#{message.agent_id}#{digest}",
        "sk": "received",
        "message_id": message.id,
    }
    return Put(table="activity", item=item, unless_exists=True, otherwise=otherwise)


def suppression_key(org_id: str, address: str) -> Key:
    return {"pk": f"{org_id}#suppressed", "sk": texts.digest(address.lower())}


def list_suppressed(org_id: str, addresses: Sequence[str]) -> list[str]:
    """Returns the suppressed addresses of the organization among up to a hundred addresses, as they are stored."""
    found = reads.get_items("core", [suppression_key(org_id, address) for address in addresses])
    return [item["address"] for item in found if item]


def system_mail_checks(address: str, otherwise: Callable[[list[Item | None]], Exception]) -> list[ConditionCheck]:
    """The checks that the platform's own mail to an address is not suppressed."""
    return [_absent_check(key, otherwise) for key in _unreachable_keys(address)]


def unsuppressed_check(
    org_id: str, address: str, otherwise: Callable[[list[Item | None]], Exception]
) -> ConditionCheck:
    """The check that the organization's mail to an address is not suppressed."""
    return _absent_check(suppression_key(org_id, address), otherwise)


def _absent_check(key: Key, otherwise: Callable[[list[Item | None]], Exception]) -> ConditionCheck:
    return ConditionCheck(table="core", key=key, condition="attribute_not_exists(pk)", otherwise=otherwise)


def replace_suppression_writes(org_id: str, address: str, reason: str) -> Put:
    """The write that suppresses an address. It replaces an earlier suppression."""
    return Put(
        table="core",
        item={**suppression_key(org_id, address), "address": address, "reason": reason, "at": clock.now_iso()},
    )


def add_suppression_writes(org_id: str, entry: Suppression, otherwise: Callable[[list[Item | None]], Exception]) -> Put:
    """The write that suppresses an address. Raises `otherwise` at commit if the address is suppressed already."""
    facts = entry.model_dump(mode="json", exclude={"created_at"}, exclude_none=True)
    item = {**suppression_key(org_id, entry.address), **facts, "at": entry.created_at}
    return Put(table="core", item=item, unless_exists=True, otherwise=otherwise)


def lift_suppression_writes(org_id: str, address: str, otherwise: Callable[[list[Item | None]], Exception]) -> Delete:
    """The write that lifts a suppression. Raises `otherwise` at commit if the address is not suppressed."""
    return _present_delete_write(suppression_key(org_id, address), otherwise)


def _present_delete_write(key: Key, otherwise: Callable[[list[Item | None]], Exception]) -> Delete:
    return Delete(table="core", key=key, condition="attribute_exists(pk)", otherwise=otherwise)


def parse_suppression(item: Item) -> Suppression:
    return Suppression.model_validate({**item, "created_at": item["at"]})


def find_suppression(org_id: str, address: str) -> Suppression | None:
    """Returns the suppression of an address, `None` if the address is not suppressed."""
    item = reads.get_item("core", suppression_key(org_id, address))
    return parse_suppression(item) if item else None


def list_suppressions(org_id: str, limit: int, after: str | None = None) -> tuple[list[Suppression], str | None]:
    """Returns a page of the suppressions in a stable order, and the next page's cursor. Raises Invalid."""
    return read_query_page(
        Query(table="core", partition=f"{org_id}#suppressed"), parse_suppression, org_id, "suppressions", limit, after
    )


def _unreachable_keys(address: str) -> list[Key]:
    """Returns the keys that stop the platform's own mail to an address: a bounce of it, or a complaint of its mailbox.

    A bounce counts only for the exact address. Anyone can make the platform write to `ada+nobody@…`, which bounces if
    the provider does not support `+`; this must not affect `ada@…`. A complaint comes from a person, so it counts for
    all spellings of the mailbox.
    """
    return [
        {"pk": f"suppressed#{texts.digest(address.lower())}", "sk": "bounced"},
        {"pk": f"suppressed#{texts.digest(mailbox_of(address))}", "sk": "suppressed"},
    ]


def is_unreachable(address: str) -> bool:
    """Whether the platform's own mail to an address is suppressed."""
    return get_system_suppression(address) is not None


def suppress_system_mail_writes(address: str, reason: str) -> Put:
    """The write that stops the platform's own mail. A bounce stops the exact address for some time.

    Any other reason stops the mailbox permanently.
    """
    bounced, stopped = _unreachable_keys(address)
    said: Item = {"reason": reason, "at": clock.now_iso()}
    if reason == "bounce":
        return Put(table="core", item={**bounced, **said, "expires": int((clock.now() + _BOUNCE_KEPT).timestamp())})
    return Put(table="core", item={**stopped, **said})


def get_system_suppression(address: str) -> Item | None:
    """Returns the item that stops the platform's own mail to an address, with reason and time, or `None`."""
    return next((item for item in reads.get_items("core", _unreachable_keys(address)) if item), None)


def lift_system_suppression_writes(address: str, otherwise: Callable[[list[Item | None]], Exception]) -> list[Delete]:
    """The writes that allow the platform's own mail to an address again. Empty if it is not suppressed."""
    found = reads.get_items("core", keys := _unreachable_keys(address))
    return [_present_delete_write(key, otherwise) for key, item in zip(keys, found, strict=True) if item]
