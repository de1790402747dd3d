"""The mails that the local stack sent, as data for `/local/mail`."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

_MAX_LISTED = 200


def list_mails(folder: Path) -> list[dict[str, Any]]:
    """Returns the newest mails, the newest first."""
    files = sorted(folder.glob("*.eml"), key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    return [_summary(path, _parse(path)) for path in files[:_MAX_LISTED]]


def find_mail(folder: Path, id_: str) -> dict[str, Any] | None:
    """Returns a mail with its content, or `None`."""
    path = _path_of(folder, id_)
    if path is None:
        return None
    mail = _parse(path)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    return {
        **_summary(path, mail),
        "text": _content(text),
        "has_html": html is not None,
        "attachments": [part.get_filename() or "unnamed" for part in mail.iter_attachments()],
        "headers": [[name, str(value)] for name, value in mail.items()],
    }


def find_html(folder: Path, id_: str) -> str | None:
    """Returns the HTML of a mail, or `None`."""
    path = _path_of(folder, id_)
    part = _parse(path).get_body(("html",)) if path else None
    return _content(part)


def _path_of(folder: Path, id_: str) -> Path | None:
    # The id is compared with the names of files, so it cannot lead to another folder.
    return next((path for path in folder.glob("*.eml") if path.stem == id_), None)


def _parse(path: Path) -> EmailMessage:
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def _content(part: Any) -> str | None:
    return None if part is None else str(part.get_content())


def _summary(path: Path, mail: EmailMessage) -> dict[str, Any]:
    return {
        "id": path.stem,
        "from": str(mail["from"] or ""),
        "to": str(mail["to"] or ""),
        "subject": str(mail["subject"] or "(no subject)"),
        "sent_at": _sent_at(path, mail),
    }


def _sent_at(path: Path, mail: EmailMessage) -> float:
    """Returns the time of the mail in milliseconds since 1970, as scripts count it."""
    try:
        return parsedate_to_datetime(str(mail["date"])).timestamp() * 1_000
    except ValueError:
        return path.stat().st_mtime * 1_000
