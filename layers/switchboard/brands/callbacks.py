"""The registry's callbacks: they only say that there is news about a brand. A worker asks for it."""

from __future__ import annotations

import re

from switchboard.brands.jobs import CheckRegistration
from switchboard.carriers.registrations.twilio.urls import BASE_PATH
from switchboard.carriers.voice.ports.reports import SignedCallback
from switchboard.carriers.voice.twilio import accounts
from switchboard.kit.jobs import QueueMessage

_PATH = re.compile(f"{BASE_PATH}(org_[0-9a-z]{{26}})/(brd_[0-9a-z]{{26}})")


def verify_callback(request: SignedCallback) -> str | None:
    """Returns the account that signed a callback and its path, or `None` for a wrong signature."""
    _, _, rest = request.url.partition(BASE_PATH)
    found = _PATH.fullmatch(BASE_PATH + rest)
    if found is None:
        # We gave such a path to nobody.
        return None
    signer = accounts.find_signer(request, found[1])
    return f"{signer}:{found[1]}" if signer else None


def news_messages(org_id: str, brand_id: str) -> list[QueueMessage]:
    """Returns the job that asks the registry for its news."""
    return [CheckRegistration(org_id=org_id, brand_id=brand_id).to_message()]


def read_path(path: str) -> tuple[str, str]:
    """Returns the organization and the brand that a path names. Raises ValueError for any other path."""
    if not (found := _PATH.fullmatch(path)):
        raise ValueError("the path names no brand")
    return found[1], found[2]
