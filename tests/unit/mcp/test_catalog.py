"""The operations that the tools know."""

from __future__ import annotations

import json

from functions.mcp.catalog import APIS, DOCUMENTS, Catalog, read_catalog
from infra import openapi
from tests.tables import each

CATALOG = read_catalog()


def test_every_served_document_is_known_with_all_its_operations() -> None:
    assert set(APIS) == openapi.DESCRIPTIONS.keys()
    for api in APIS:
        known = {one.id for one in CATALOG.operations.values() if one.api == api}
        counts = openapi.count_operations(api)
        assert len(known) >= counts.served + counts.beyond
        assert all(name.startswith(f"{api}.") for name in known)


def test_a_change_has_consequences_unless_its_api_calls_it_harmless() -> None:
    for one in CATALOG.operations.values():
        harmless = one.raw["operationId"] in openapi.DESCRIPTIONS[one.api].harmless
        assert one.is_consequential == (one.method != "GET" and not harmless), one.id


def test_an_action_that_only_reads_needs_no_confirmation() -> None:
    (operation,) = CATALOG.find_operations("externalApiAction")
    assert not operation.needs_confirmation({"action": "check_status", "call_id": "call_1"})
    for body in ({"action": "initiate_call"}, {"action": ["check_status"]}, {}, None, ["check_status"]):
        assert operation.needs_confirmation(body), body


def test_an_id_of_several_apis_needs_the_name_of_one() -> None:
    assert {one.id for one in CATALOG.find_operations("listCalls")} == {"athos.listCalls", "hum.listCalls"}
    (one,) = CATALOG.find_operations("hum.listCalls")
    assert (one.method, one.path) == ("GET", "/api/calls")
    assert not CATALOG.find_operations("hum.voicePlace")


def test_a_misspelled_id_has_suggestions() -> None:
    assert "hum.upsertContact" in CATALOG.suggest_ids("hum.upsertContacts")
    assert "anima.voicePlace" in CATALOG.suggest_ids("VoicePlace")
    assert CATALOG.suggest_ids("zzzzzzzzzz") == []


REFUSED = {
    "anima.eventsStream": "live stream",
    "hum.streamCallEvents": "live stream",
    "hum.streamEvents": "live stream",
    "hum.transcribeFlowAudio": "multipart/form-data",
    "hum.addSmsCampaignRecipients": "application/x-ndjson",
    "athos.redeemSession": "SessionToken",
    "anima.agentSignUp": "no credential",
    "hum.logout": "no credential",
}


@each("name", sorted(REFUSED))
def test_what_a_tool_cannot_do_is_refused_with_advice(name: str) -> None:
    refusal = CATALOG.operations[name].refusal
    assert refusal is not None
    assert REFUSED[name] in refusal
    assert "directly" in refusal


def test_most_operations_can_be_called() -> None:
    callable_ones = [one for one in CATALOG.operations.values() if one.refusal is None]
    assert len(callable_ones) > 0.9 * len(CATALOG.operations)


def test_a_public_operation_in_a_document_is_no_tool_of_ours() -> None:
    raw = json.loads((DOCUMENTS / "hum.json").read_text())
    paths = {"/api/x": {"get": {"operationId": "x", "summary": "X", "security": [], "responses": {}}}}
    (one,) = Catalog({"hum": raw | {"paths": paths}}).find_operations("x")
    assert one.refusal is not None
