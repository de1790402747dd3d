"""The path of a request through the code: own files, functions and calls from the handler to the commit.

Counted with a profiler over tables in memory, with everything in the calling thread, so that the counts are the same
on every machine. Only files of the layer and of the functions count.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

from functions.anima.voice.handler import handler as voice
from functions.hum.contacts.handler import handler as contacts
from infra import topology
from infra.local.pool import Context
from switchboard.accounts.plans import PlanName
from switchboard.edge import rate_limit
from switchboard.kit import background
from switchboard.people import sessions
from switchboard.team.permissions import Role
from switchboard.usage import charges
from tests import memory_cloud
from tests.actors import member, tenant
from tests.load import report, stub
from tests.load.request import api_event

#: How many own files each trip may enter. Lower a number when a trip gets shorter. The pool of caller IDs has a file,
#: because the acceptance of calls and the line share it, and so have the included minutes, which each API counts.
LIMITS = {"POST /v1/voice/calls": 51, "PATCH /api/contacts/{id}": 38}
_ROOT = Path(__file__).resolve().parents[2]
_OWN = (str(_ROOT / "layers"), str(_ROOT / "functions"))
_CALL = {"to": "+14155550142", "tier": "basic", "metadata": {"consent_source": "business-relationship"}}

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class Trip:
    """The code that ran while a request was served."""

    def __init__(self) -> None:
        self.calls = 0
        self.files: dict[str, int] = {}
        self.functions: set[tuple[str, str]] = set()
        self.moves = 0
        self._last = ""

    def note(self, frame: FrameType, happened: str, _: Any) -> None:
        """Record a call of a function of the project; a profiler's callback."""
        path = frame.f_code.co_filename
        if happened != "call" or not path.startswith(_OWN):
            return
        name = str(Path(path).relative_to(_ROOT))
        self.calls += 1
        self.functions.add((name, frame.f_code.co_qualname))
        self.files[name] = self.files.get(name, 0) + 1
        self.moves += name != self._last
        self._last = name


def measure_trips() -> dict[str, Trip]:
    """The trips of a placed call and of a changed contact, with warm caches."""
    with (
        memory_cloud.use_memory_tables(),
        patch.object(background, "submit", background.run_inline),
        patch.object(charges, "choose_slice", lambda _: 0),
    ):
        return {"POST /v1/voice/calls": _placed_call(), "PATCH /api/contacts/{id}": _changed_contact()}


def _placed_call() -> Trip:
    acme = tenant("hops", PlanName.SCALE)
    headers = {"authorization": f"Bearer {acme.agent_key}"}

    def request(number: int) -> dict[str, Any]:
        return api_event("POST", "/v1/voice/calls", headers | {"idempotency-key": f"hops-call-{number:020d}"}, _CALL)

    return _trip(voice, "anima/voice", request)


def _changed_contact() -> Trip:
    admin = member(tenant("hops-hum", PlanName.SCALE).org_id, Role.ADMIN)
    cookie = sessions.open_session(admin.user, admin.org_id)
    headers = {"cookie": f"bh_hum_session={cookie}"}
    made = contacts(api_event("POST", "/api/contacts", headers, {"e164": "+14155550143"}), _context())
    assert made["statusCode"] == 200, made["body"]
    contact_id = json.loads(made["body"])["id"]

    def request(number: int) -> dict[str, Any]:
        key = {"idempotency-key": f"hops-contact-{number:020d}"}
        return api_event("PATCH", f"/api/contacts/{contact_id}", headers | key, {"display_name": f"Name {number}"})

    return _trip(contacts, "hum/contacts", request)


def _context(group: str = "hum/contacts") -> Context:
    return Context(topology.function(group))


def _trip(handler: Handler, group: str, request: Callable[[int], dict[str, Any]]) -> Trip:
    for number in range(2):
        rate_limit.reset_memory()
        answer = handler(request(number), _context(group))
        assert answer["statusCode"] < 300, answer["body"]
    rate_limit.reset_memory()
    trip = Trip()
    asked = request(2)
    sys.setprofile(trip.note)
    try:
        answer = handler(asked, _context(group))
    finally:
        sys.setprofile(None)
    assert answer["statusCode"] < 300, answer["body"]
    return trip


def measure() -> None:
    """Print the counts of both trips."""
    stub.drop_log()
    report.table(
        "Hops: what a request enters from the handler to the commit, with an Idempotency-Key and a warm process",
        ("request", "files", "limit", "functions", "calls", "moves between files"),
        [
            (
                name,
                len(trip.files),
                report.met(len(trip.files) <= LIMITS[name]),
                len(trip.functions),
                trip.calls,
                trip.moves,
            )
            for name, trip in measure_trips().items()
        ],
    )
