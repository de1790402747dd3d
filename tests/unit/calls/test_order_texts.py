"""The API document of calls that members place names the codes of their refusals: each one, and no other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from infra import openapi
from switchboard.calls import console
from switchboard.compliance.verdicts import BLOCK_CODES
from switchboard.errors import DomainError, Forbidden, Invalid
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import Tenant, member
from tests.unit.calls.calls_in import make_number
from tests.unit.calls.console_calls import ADA, ask_as, place, save_flow

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

#: The member states the consent by placing the call.
GATE_CODES = BLOCK_CODES - {"consent_missing"}
#: Words in backticks that are no codes.
_NO_CODES = {"details", "gate", "next_allowed_at"}


def codes_of(operation: str, status: int) -> set[str]:
    """Returns the codes in the document's text of an error."""
    paths = json.loads((openapi.FOLDER / "hum.json").read_text())["paths"]
    [told] = [one for item in paths.values() for one in item.values() if one.get("operationId") == operation]
    return set(re.findall(r"`([a-z_]+)`", told["responses"][str(status)]["description"])) - _NO_CODES


def refusal_of(attempt: Callable[[], object]) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        attempt()
    return refusal.value


@pytest.fixture
def ada(acme: Tenant) -> Member:
    return member(acme.org_id, Role.OPERATOR, "Ada")


def test_the_text_of_refused_calls_has_the_codes_of_the_gate(ada: Member) -> None:
    flow = save_flow(ada.org_id)
    forced = refusal_of(lambda: place(ada, flow, force=True))
    costly = refusal_of(lambda: place(ada, flow, "+19005550142"))
    test = refusal_of(lambda: console.place_test_call(ada, flow.id, "+19005550142", simulated=True))
    assert all(isinstance(one, Forbidden) for one in (forced, costly, test))
    member_codes = {"insufficient_role", "destination_not_allowed"}
    assert codes_of("createOutboundCall", 403) == GATE_CODES | member_codes | {forced.code}
    assert codes_of("testFlowCall", 403) == GATE_CODES | member_codes
    assert {costly.code, test.code} <= member_codes


def test_a_viewer_gets_the_code_of_the_text(ada: Member) -> None:
    viewer = ask_as(member(ada.org_id, Role.VIEWER, "Vi"))
    status, refusal = viewer("POST", "/api/outbound/calls", {"flow_id": "x", "to": ADA})
    assert (status, refusal["code"]) == (403, "insufficient_role")


def test_the_text_of_invalid_calls_has_their_codes(acme: Tenant, ada: Member) -> None:
    flow, own, bare = save_flow(ada.org_id), make_number(acme).e164, save_flow(ada.org_id, caller_id=None)
    inbound = save_flow(ada.org_id, kind="inbound")
    place(ada, flow)
    attempts = [
        lambda: place(ada, flow, "+99912345678"),
        lambda: place(ada, flow, own),
        lambda: place(ada, flow, task_context={"": 1}),
        lambda: place(ada, bare, "+14155550143"),
        lambda: place(ada, flow, "+14155550143", caller_id_number_id="num_x"),
        lambda: place(ada, inbound, "+14155550143"),
        lambda: place(ada, flow),
    ]
    found = [refusal_of(attempt) for attempt in attempts]
    assert all(isinstance(one, Invalid) for one in found)
    assert {one.code for one in found} == codes_of("createOutboundCall", 400)


def test_the_text_of_invalid_test_calls_has_their_codes(acme: Tenant, ada: Member) -> None:
    flow, own, bare = save_flow(ada.org_id), make_number(acme).e164, save_flow(ada.org_id, caller_id=None)
    attempts = [
        lambda: console.place_test_call(ada, flow.id, "+99912345678", simulated=False),
        lambda: console.place_test_call(ada, flow.id, own, simulated=False),
        lambda: console.place_test_call(ada, flow.id, ADA, {"": 1}, simulated=False),
        lambda: console.place_test_call(ada, bare.id, ADA, simulated=False),
    ]
    found = [refusal_of(attempt) for attempt in attempts]
    assert {one.code for one in found} == codes_of("testFlowCall", 400)
    assert found[-1].message == "No caller ID: give the flow a number with caller_id_number_id."
    assert refusal_of(lambda: place(ada, bare)).message.endswith(", or send one in the request.")
