"""Requests for blocked numbers."""

from __future__ import annotations

from tests.contract.console import Person, next_number
from tests.contract.world import Ask


def _block(admin: Person) -> str:
    made = admin.post("/api/blocklist", {"e164": next_number()}).json()
    return f"/api/blocklist/{made['blocked_number']['id']}"


GOOD = {
    "listBlockedNumbers": lambda _: Ask("GET", "/api/blocklist"),
    "createBlockedNumber": lambda _: Ask("POST", "/api/blocklist", {"e164": next_number(), "reason": "asked"}),
    "deleteBlockedNumber": lambda org: Ask("DELETE", _block(org.admin)),
}
