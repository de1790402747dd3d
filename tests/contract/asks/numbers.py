"""Requests for numbers."""

from __future__ import annotations

from typing import Any

from tests.contract.console import Person
from tests.contract.world import Ask


def _available(admin: Person) -> str:
    found = admin.get("/api/numbers/available?limit=1").json()["numbers"]
    return str(found[0]["phoneNumber"])


def _bought(admin: Person) -> dict[str, Any]:
    made: dict[str, Any] = admin.post("/api/numbers/buy", {"phoneNumber": _available(admin)}).json()
    return made


def _registered(admin: Person) -> dict[str, Any]:
    made = _bought(admin)
    return {"sid": made["sid"], "e164": made["e164"]}


GOOD = {
    "listNumbers": lambda _: Ask("GET", "/api/numbers"),
    "createNumber": lambda org: Ask("POST", "/api/numbers", _registered(org.admin)),
    "syncNumbers": lambda _: Ask("POST", "/api/numbers/sync"),
    "searchAvailableNumbers": lambda _: Ask("GET", "/api/numbers/available"),
    "buyNumber": lambda org: Ask("POST", "/api/numbers/buy", {"phoneNumber": _available(org.admin)}),
    "updateNumber": lambda org: Ask("PATCH", f"/api/numbers/{_bought(org.admin)['id']}", {"friendly_name": "Desk"}),
}
