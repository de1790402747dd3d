"""Cursors: opaque, signed positions in a list. A cursor is valid for one organization and one query only."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from typing import Any

from switchboard.aws import secret
from switchboard.aws.dynamodb import Item
from switchboard.errors import Invalid

_MAC = 16


def encode_cursor(next_key: Item | None, org_id: str, query: str) -> str | None:
    """Returns the cursor for a page's next key, `None` at the end. `query` names the list and its filters."""
    if next_key is None:
        return None
    body = json.dumps(next_key, separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(_mac(body, org_id, query) + body).decode().rstrip("=")


def decode_cursor(cursor: str | None, org_id: str, query: str) -> Item | None:
    """Returns the key in a cursor. Raises Invalid for a cursor that was not issued for this organization and query."""
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    body = raw[_MAC:]
    if not body or not hmac.compare_digest(raw[:_MAC], _mac(body, org_id, query)):
        raise Invalid(
            "This cursor does not belong to this list: send a cursor of the same list with the same filters.",
            code="invalid_cursor",
        )
    place: dict[str, Any] = json.loads(body)
    return place


def _mac(body: bytes, org_id: str, query: str) -> bytes:
    return hmac.digest(secret.derive("cursor", org_id, query), body, "sha256")[:_MAC]
