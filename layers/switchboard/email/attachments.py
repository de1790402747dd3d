"""Stores the files of received mail, and creates links to them."""

from __future__ import annotations

from collections.abc import Sequence

from switchboard.aws import objects
from switchboard.email import mime_models
from switchboard.email.models import Attachment, Message

_BUCKET = "attachments"
#: How long a link works. Anyone who has the link can download the file.
LINK_SECONDS = 3_600
#: Media types that a browser could execute if it opened the link. Their downloads get a neutral media type.
_ACTIVE = ("html", "xml", "svg", "javascript", "ecmascript")


def store_attachments(
    org_id: str, message_id: str, found: Sequence[mime_models.ParsedAttachment], at: str
) -> list[Attachment]:
    """Stores the files of a mail. If the same mail arrives again, its files keep their keys."""
    kept = []
    for number, one in enumerate(found, start=1):
        key = f"{_folder(org_id, message_id)}/{number}"
        objects.put_object(_BUCKET, key, one.content, one.media_type)
        kept.append(
            Attachment(
                id=f"att_{message_id.removeprefix('msg_')}_{number}",
                filename=one.filename,
                mime_type=one.media_type,
                size=len(one.content),
                key=key,
                content_id=one.content_id,
                inline=one.inline,
                created_at=at,
            )
        )
    return kept


def store_text(org_id: str, message_id: str, name: str, text: str, media_type: str) -> str:
    """Stores a text that is too large for an item. Returns its key."""
    key = f"{_folder(org_id, message_id)}/{name}"
    objects.put_object(_BUCKET, key, text.encode(), f"{media_type}; charset=utf-8")
    return key


def attachment_link(attachment: Attachment) -> str:
    """Returns a link to a file that works for an hour, for anyone who has the link."""
    active = any(word in attachment.mime_type for word in _ACTIVE)
    media_type = "application/octet-stream" if active else attachment.mime_type
    return objects.sign_download_link(_BUCKET, attachment.key, attachment.filename, media_type, LINK_SECONDS)


def text_links(message: Message) -> dict[str, str]:
    """Returns links to the complete text and HTML of a message that shows only their beginnings."""
    reception = message.reception
    keys = {"body.txt": reception.text_key, "body.html": reception.html_key} if reception else {}
    return {
        name: objects.sign_download_link(_BUCKET, key, name, "application/octet-stream", LINK_SECONDS)
        for name, key in keys.items()
        if key
    }


def _folder(org_id: str, message_id: str) -> str:
    return f"{org_id}/attachments/{message_id}"
