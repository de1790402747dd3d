"""Messages and suppressions.

| item | table | pk | sk |
|---|---|---|---|
| head of a message | activity | `<org>#message#<id>` | `message` |
| what it says | activity | the same | `content` |
| what was reported of a recipient | activity | the same | `to#<digest of address>` |
| Message-ID look-up | activity | `<org>#message-id#<digest>` | `message-id` |
| what an inbox holds | activity | `<org>#received#<agent>#<digest>` | `received` |
| suppression | core | `<org>#suppressed` | `<digest of address>` |
| suppression of the platform's own mail to a mailbox | core | `suppressed#<digest of mailbox>` | `suppressed` |
| bounce of the platform's own mail | core | `suppressed#<digest of address>` | `bounced` |

A head stands in the lists of switchboard.email.lists. A recipient of whom nothing was reported has no item. The last
two are no organization's: they hold a reason, and no address.
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
#: How long a bounce stops the platform's own mail: a mailbox that was full or not yet there gets its chance again.
_BOUNCE_KEPT = timedelta(days=180)
#: What of a head its key says, and what is left out as long as it is what it is for most.
_IN_KEY = ("org_id", "id")
_USUAL = {"kind": "mail", "direction": "OUTBOUND", "turns": 0}


def key(org_id: str, message_id: str) -> Key:
    return {"pk": f"{org_id}#message#{message_id}", "sk": "message"}


def _content_key(org_id: str, message_id: str) -> Key:
    return {**key(org_id, message_id), "sk": "content"}


def _pack(item: Item) -> Item:
    """A head in as few bytes as it takes: with its index keys it fits into a kilobyte."""
    kept = {name: item[name] for name in Head.model_fields if name not in _IN_KEY and item[name] not in (None, "", [])}
    if kept["thread_id"] == item["id"]:
        del kept["thread_id"]
    return {name: value for name, value in kept.items() if _USUAL.get(name) != value}


def _unpack(item: Item) -> Item:
    org_id, _, message_id = item["pk"].split("#")
    return {"thread_id": message_id, **item, "org_id": org_id, "id": message_id}


HEADS = Collection(table="activity", model=Head, key=key, lists=lists.attributes, pack=_pack, unpack=_unpack)


def put(message: Message, parent: Head | None = None, *, otherwise: Callable[..., Exception] | None = None) -> Writes:
    """The writes that store a new message, and enter it into its lists. `parent` is what it answers."""
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
    """A whole message, in one read."""
    head, content = table.get_many("activity", [key(org_id, message_id), _content_key(org_id, message_id)])
    return contents.read(HEADS.read(head), content) if head else None


def get_receipt(org_id: str, message_id: str) -> Receipt | None:
    """Where a mail's recipients were counted; `None` for one that is not charged."""
    content = table.get("activity", _content_key(org_id, message_id))
    return Receipt.model_validate(content["receipt"]) if content and "receipt" in content else None


def get_with_reports(org_id: str, message_id: str) -> tuple[Message, list[Report]] | None:
    """A whole message, and for each recipient what was reported of it, in one read."""
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
    """A page of whole messages, and the cursor of the next: the lists' partitions, the heads, what they say."""
    found = lists.page(org_id, agent_id, filters, limit, after)
    items, more = found.items, found.cursor
    thread = filters.get("thread_id", ())
    if thread and not items and not after and more is None:
        # A message that nothing has answered is in no thread's list.
        root = table.get("activity", key(org_id, thread[0]))
        items = [root] if root and _is_root(root) and lists.shows(root, agent_id, filters) else []
    heads = [HEADS.read(item) for item in items]
    said = table.get_many("activity", [_content_key(org_id, head.id) for head in heads]) if heads else []
    return [contents.read(head, content) for head, content in zip(heads, said, strict=True)], more


def _is_root(item: Item) -> bool:
    # A head that began its conversation does not name it.
    head = _unpack(item)
    return bool(head["thread_id"] == head["id"])


def standing(org_id: str, message_id: str) -> Standing | None:
    """A message's head and what was reported of its recipients, in one read, without what it says."""
    items = _heads_and_reports(key(org_id, message_id)["pk"])
    return _standing(items) if any(item["sk"] == "message" for item in items) else None


def _standing(items: Sequence[Item]) -> Standing:
    head = next(item for item in items if item["sk"] == "message")
    reports = (Report.model_validate(item) for item in items if item["sk"].startswith(_REPORTS))
    return Standing(HEADS.read(head), {report.address.lower(): report for report in reports})


def _heads_and_reports(pk: str) -> list[Item]:
    # `content` sorts before both.
    return list(Query(table="activity", partition=pk, between=("message", f"{_REPORTS}~")).all())


def save(after: Standing) -> list[Write]:
    """The writes of what has changed, each if it still follows what was read. Raise Moved at commit."""
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
    """Remember under which Message-ID the mail travels, so that a reply finds it."""
    pointer = {**_message_id_key(message.org_id, message_id), "message_id": message.id}
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
    item = {
        "pk": f"{message.org_id}#received#{message.agent_id}#{digest}",
        "sk": "received",
        "message_id": message.id,
    }
    return Put(table="activity", item=item, unless_exists=True, otherwise=otherwise)


def suppression_key(org_id: str, address: str) -> Key:
    return {"pk": f"{org_id}#suppressed", "sk": secret.digest(address.lower())}


def suppressed(org_id: str, addresses: Sequence[str]) -> list[str]:
    """Those of up to a hundred addresses that get no more mail of the organization, as they are stored."""
    found = table.get_many("core", [suppression_key(org_id, address) for address in addresses])
    return [item["address"] for item in found if item]


def reachable(address: str, otherwise: Callable[[list[Item | None]], Exception]) -> list[Check]:
    """The checks that an address still gets mail of the platform's own."""
    return [_absent(key, otherwise) for key in _unreachable_keys(address)]


def unsuppressed(org_id: str, address: str, otherwise: Callable[[list[Item | None]], Exception]) -> Check:
    """The check that an address still gets mail of the organization."""
    return _absent(suppression_key(org_id, address), otherwise)


def _absent(key: Key, otherwise: Callable[[list[Item | None]], Exception]) -> Check:
    return Check(table="core", key=key, condition="attribute_not_exists(pk)", otherwise=otherwise)


def suppress(org_id: str, address: str, reason: str) -> Put:
    """Stop mail to an address, for whatever reason it was stopped before."""
    return Put(
        table="core",
        item={**suppression_key(org_id, address), "address": address, "reason": reason, "at": clock.stamp()},
    )


def enter_suppression(org_id: str, entry: Suppression, otherwise: Callable[[list[Item | None]], Exception]) -> Put:
    """Stop mail to an address that gets some so far."""
    facts = entry.model_dump(mode="json", exclude={"created_at"}, exclude_none=True)
    item = {**suppression_key(org_id, entry.address), **facts, "at": entry.created_at}
    return Put(table="core", item=item, unless_exists=True, otherwise=otherwise)


def lift_suppression(org_id: str, address: str, otherwise: Callable[[list[Item | None]], Exception]) -> Delete:
    """Let an address get mail again that gets none."""
    return _present(suppression_key(org_id, address), otherwise)


def _present(key: Key, otherwise: Callable[[list[Item | None]], Exception]) -> Delete:
    return Delete(table="core", key=key, condition="attribute_exists(pk)", otherwise=otherwise)


def read_suppression(item: Item) -> Suppression:
    return Suppression.model_validate({**item, "created_at": item["at"]})


def get_suppression(org_id: str, address: str) -> Suppression | None:
    item = table.get("core", suppression_key(org_id, address))
    return read_suppression(item) if item else None


def list_suppressions(org_id: str, limit: int, after: str | None) -> tuple[list[Suppression], str | None]:
    """A page of the suppressions, in the order of their digests: no address tells where it stands."""
    return page_of(
        Query(table="core", partition=f"{org_id}#suppressed"), read_suppression, org_id, "suppressions", limit, after
    )


def _unreachable_keys(address: str) -> list[Key]:
    """What stops the platform's own mail to an address: a bounce of just that address, or a word of its mailbox.

    Anybody may have the platform write to `ada+nobody@…`, which bounces where `+` has no meaning: that is nothing of
    `ada@…`. A complaint comes from a person, who complains in one spelling of their address about mail to all of them.
    """
    return [
        {"pk": f"suppressed#{secret.digest(address.lower())}", "sk": "bounced"},
        {"pk": f"suppressed#{secret.digest(mailbox(address))}", "sk": "suppressed"},
    ]


def is_unreachable(address: str) -> bool:
    """Whether an address gets no more mail of the platform's own."""
    return get_unreachable(address) is not None


def suppress_system_mail(address: str, reason: str) -> Put:
    """Stop the platform's own mail: after a bounce to that very address for some time, else to its mailbox for good."""
    bounced, stopped = _unreachable_keys(address)
    said: Item = {"reason": reason, "at": clock.stamp()}
    if reason == "bounce":
        return Put(table="core", item={**bounced, **said, "expires": int((clock.now() + _BOUNCE_KEPT).timestamp())})
    return Put(table="core", item={**stopped, **said})


def get_unreachable(address: str) -> Item | None:
    """Why an address gets no more mail of the platform's own, and since when."""
    return next((item for item in table.get_many("core", _unreachable_keys(address)) if item), None)


def lift_system_suppression(address: str, otherwise: Callable[[list[Item | None]], Exception]) -> list[Delete]:
    """Let an address get mail of the platform's own again. No writes for one that gets it."""
    found = table.get_many("core", keys := _unreachable_keys(address))
    return [_present(key, otherwise) for key, item in zip(keys, found, strict=True) if item]
