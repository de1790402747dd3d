"""The addresses of triggers."""

from __future__ import annotations

from switchboard.kit import settings

#: The path below which other systems fire triggers.
INBOX_PATH = "/api/triggers/inbound"


def inbox_url(token: str | None = None) -> str:
    """Returns the address of a trigger. Without its token, the address is the same for all triggers."""
    base = f"{settings.text('PUBLIC_URL', '').rstrip('/')}{INBOX_PATH}"
    return f"{base}/{token}" if token else base
