"""The content item of a mail. It is written once, together with the mail, and never changes.

Long texts are compressed: a write in a transaction costs two units for each kilobyte, and text shrinks to a third.
"""

from __future__ import annotations

import zlib

from switchboard.aws.dynamodb import Item
from switchboard.email.models import Message, MessageHead
from switchboard.kit import texts

_SAYS = set(Message.model_fields) - set(MessageHead.model_fields)
_PEOPLE = ("to", "cc", "bcc")
_TEXTS = ("body", "body_html")
#: Compression of a shorter text, in bytes, does not save a kilobyte.
_SHORT = 512


def head_of(message: Message) -> MessageHead:
    """Returns the head of a new mail. The head of a received mail names only our address that received it."""
    return message.head.model_copy(update=_came_to(message))


def content_item(message: Message) -> Item:
    """Returns the attributes of a mail's content item."""
    item = _without_empty(message.model_dump(mode="json", include=_SAYS))
    if _came_to(message) != (addressed := {name: getattr(message, name) for name in _PEOPLE}):
        item |= addressed
    if message.metadata:
        item["metadata"] = texts.dump_json(message.metadata)
    for name in _TEXTS:
        if name in item:
            item[name] = _squeeze(item[name])
    return item


def parse_message(head: MessageHead, item: Item | None) -> Message:
    """Returns the complete mail from its head and its content item."""
    facts = {name: value for name, value in (item or {}).items() if name in _SAYS or name in _PEOPLE}
    for name in _TEXTS:
        if isinstance(facts.get(name), bytes):
            facts[name] = zlib.decompress(facts[name]).decode()
    if "metadata" in facts:
        facts["metadata"] = texts.load_json(facts["metadata"])
    return Message.model_validate(head.model_dump() | facts)


def _came_to(message: Message) -> dict[str, list[str]]:
    """Returns the addresses for the head of a mail, by `to`, `cc` and `bcc`.

    A received mail may name hundreds of addresses, and a blind copy names none of ours. Its head names only our inbox,
    because every label change rewrites the head and each webhook shows it.
    """
    if message.reception is None:
        return {name: getattr(message, name) for name in _PEOPLE}
    return {"to": [message.reception.recipient], "cc": [], "bcc": []}


def _without_empty(item: Item) -> Item:
    # Keep an empty HTML text: it differs from a missing one.
    return {name: value for name, value in item.items() if value not in (None, [], {}) and (value or name in _TEXTS)}


def _squeeze(text: str) -> str | bytes:
    raw = text.encode()
    if len(raw) < _SHORT:
        return text
    squeezed = zlib.compress(raw)
    return squeezed if len(squeezed) < len(raw) else text
