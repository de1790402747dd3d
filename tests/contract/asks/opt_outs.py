"""Requests for opt-outs."""

from __future__ import annotations

from urllib.parse import quote

from tests.contract.console import Person, next_number
from tests.contract.world import Ask

PATH = "/api/sms/opt-outs"


def _opt_out(admin: Person) -> str:
    made = admin.post(PATH, {"e164": next_number()}).json()
    return f"{PATH}/{quote(made['e164'], safe='')}"


GOOD = {
    "listSmsOptOuts": lambda _: Ask("GET", PATH),
    "createSmsOptOut": lambda _: Ask("POST", PATH, {"e164": next_number(), "reason": "asked by letter"}),
    "deleteSmsOptOut": lambda org: Ask("DELETE", _opt_out(org.admin)),
}
