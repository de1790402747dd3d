"""`search_api`: operations by words."""

from __future__ import annotations

import json
from typing import Any

from functions.mcp import search
from functions.mcp.catalog import read_catalog
from tests.tables import each

CATALOG = read_catalog()
INDEX = search.SearchIndex(CATALOG)
#: A query of a person at the console, and the operation that must be among the first three.
QUERIES = {
    "send a text message": "hum.sendSmsMessage",
    "list contacts": "hum.listContacts",
    "save a contact": "hum.upsertContact",
    "place a phone call": "hum.createOutboundCall",
    "invite a team member": "hum.createTeamInvite",
    "block a number": "hum.createBlockedNumber",
    "cancel campaign": "hum.cancelSmsCampaign",
    "buy number": "hum.buyNumber",
    "delete voicemail": "hum.deleteVoicemail",
    "change a flow's prompt": "hum.updateFlow",
    "scheduled texts": "hum.listSmsScheduled",
    "send an email": "anima.emailSend",
    "replay webhook delivery": "anima.webhookReplay",
    "create agent": "anima.agentCreate",
    "billing usage": "anima.usageGet",
    "transcript of a call": "anima.voiceTranscript",
    "mint roleplay session": "athos.mintSession",
    "check the status of a call": "opticomm.externalApiAction",
    "/api/blocklist": "hum.listBlockedNumbers",
}


def find(query: str, api: str | None = None, limit: int = 5, own: str = "hum") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(search.search_api(INDEX, query, api, limit, own))
    return found


@each("query", sorted(QUERIES))
def test_the_wanted_operation_is_among_the_first(query: str) -> None:
    first = [one["operation_id"] for one in find(query)["operations"]]
    assert QUERIES[query] in first[:3], first


def test_an_id_finds_its_operation_first_and_the_callers_api_before_others() -> None:
    assert [one.id for one in INDEX.find_operations("getCall", None, "hum")][:2] == ["hum.getCall", "athos.getCall"]
    assert [one.id for one in INDEX.find_operations("getCall", None, "athos")][:2] == ["athos.getCall", "hum.getCall"]
    assert find("athos.getCall")["operations"][0]["operation_id"] == "athos.getCall"


def test_an_api_limits_the_result() -> None:
    apis = {one["api"] for one in find("list calls", api="athos", limit=20)["operations"]}
    assert apis == {"athos"}
    assert not [one for one in INDEX.find_operations("hum.getCall", "athos", "hum") if one.api == "hum"]


@each("query", ["zzzqqq", "to the of", "???", " ", "\u4f60\u597d"])
def test_a_query_without_a_result_gets_advice(query: str) -> None:
    answer = find(query)
    assert answer["operations"] == []
    assert "Use the nouns" in answer["advice"]


def test_a_result_shows_what_a_call_needs() -> None:
    (one,) = find("hum.updateContact", limit=1)["operations"]
    assert (one["method"], one["path"], one["consequential"]) == ("PATCH", "/api/contacts/{id}", True)
    (place,) = [parameter for parameter in one["parameters"] if parameter["in"] == "path"]
    assert (place["name"], place["required"]) == ("id", True)
    assert "Idempotency-Key" in {parameter["name"] for parameter in one["parameters"]}
    assert one["body"]["required"] is True
    assert one["body"]["schema"]["properties"]["notes"]["type"] == ["string", "null"]
    assert "not_executable" not in one


def test_a_result_says_why_it_cannot_be_called() -> None:
    (stream,) = find("hum.streamCallEvents", limit=1)["operations"]
    assert "live stream" in stream["not_executable"]
    (other,) = find("anima.emailSend", limit=1)["operations"]
    assert other["not_executable"] == "It needs a credential of the API anima. This connection has one of hum."


def test_every_operation_can_be_shown_without_references_and_within_limits() -> None:
    for one in CATALOG.operations.values():
        text = json.dumps(search.describe_operation(one, "hum"))
        assert '"$ref"' not in text, one.id
        assert len(text) < search.MAX_ANSWER_BYTES / 3, one.id


def test_an_answer_is_cut_and_counts_what_is_left_out() -> None:
    answer = find("call", limit=20)
    assert len(json.dumps(answer, ensure_ascii=False).encode()) <= search.MAX_ANSWER_BYTES * 1.2
    assert answer["more"] == len(INDEX.find_operations("call", None, "hum")) - len(answer["operations"])


def test_forms_of_a_word_are_the_same() -> None:
    for words in (
        "schedule schedules scheduled scheduling",
        "contact contacts",
        "reply replies",
        "getCall get-calls",
    ):
        assert len({tuple(search.split_words(word)) for word in words.split()}) == 1, words
    assert search.split_words("a flow's smsText of the sms") == ["flow", "sms", "text", "sms"]
