"""The list and the detail of scored calls: the tenant's own, in stable pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from infra import topology
from infra.local.pool import Context
from switchboard.aws import clients
from switchboard.errors import Invalid, NotFound
from switchboard.kit import clock
from switchboard.roleplay import calls as roleplay
from switchboard.roleplay import lifecycle, scoring
from switchboard.roleplay.models import RoleplayCall, RoleplayState, ScoredCallFilter, TransportReport
from tests.actors import Reseller, reseller
from tests.unit.roleplay.conftest import load_call, practise_call, redeem_session

FROM = "2026-01-15T00:00:00.000Z"
Scored = Callable[..., RoleplayCall]


def list_page(
    acme: Reseller, limit: int = 50, after: str | None = None, **filters: Any
) -> tuple[list[str], str | None]:
    found, cursor = roleplay.list_scored_calls(
        acme.caller(), ScoredCallFilter(**{"start": FROM, **filters}), limit, after
    )
    return [call.id for call in found], cursor


def test_only_scored_calls_are_listed_and_read(acme: Reseller) -> None:
    scored, failed, ended = practise_call(acme), redeem_session(acme, "rep_silent"), redeem_session(acme)
    for call in (failed, ended):
        lifecycle.apply_report(TransportReport(org_id=call.org_id, call_id=call.id, kind="ended", turns=0))
    for call in (scored, failed):
        scoring.score_call(call.org_id, call.id)
    assert (load_call(scored).state, load_call(failed).state) == (RoleplayState.SCORED, RoleplayState.SCORING_FAILED)
    assert list_page(acme) == ([scored.id], None)
    assert roleplay.get_scored_call(acme.caller(), scored.id).call == load_call(scored)
    for call in (failed, ended, redeem_session(acme)):
        with pytest.raises(NotFound) as refusal:
            roleplay.get_scored_call(acme.caller(), call.id)
        assert refusal.value.code == "call_not_found"


def test_another_tenants_call_is_not_found(acme: Reseller, store_scored_call: Scored) -> None:
    call, other = store_scored_call(), reseller("other")
    assert list_page(other) == ([], None)
    with pytest.raises(NotFound):
        roleplay.get_scored_call(other.caller(), call.id)
    assert roleplay.find_call(other.org_id, call.id) is None


@pytest.mark.parametrize("call_id", ["", "x", "athos_call_", "athos_call_" + "x" * 3_000, "athos_call_" + "ü" * 21])
def test_an_invalid_call_id_causes_no_read(acme: Reseller, call_id: str) -> None:
    with pytest.raises(NotFound):
        roleplay.get_scored_call(acme.caller(), call_id)


def test_the_window_includes_both_its_ends(acme: Reseller, store_scored_call: Scored) -> None:
    call = store_scored_call()
    end = call.ended_at or ""
    before, after = (clock.format_iso(clock.parse(end) + timedelta(milliseconds=step)) for step in (-1, 1))
    assert list_page(acme, start=end, end=end)[0] == [call.id]
    assert list_page(acme, start=before, end=before)[0] == list_page(acme, start=after)[0] == []


def test_calls_are_sorted_by_end_and_filtered_exactly(
    acme: Reseller, store_scored_call: Scored, frozen: clock.FrozenClock
) -> None:
    calls = [
        store_scored_call(user, agency).id
        for user, agency in (("ann", "north"), ("bob", "north"), ("ann", None), ("ann", "south"), ("bob", None))
    ]
    newest = calls[::-1]
    assert list_page(acme)[0] == newest
    assert list_page(acme, external_user_id="ann")[0] == [calls[3], calls[2], calls[0]]
    assert list_page(acme, external_agency_id="north")[0] == [calls[1], calls[0]]
    assert list_page(acme, external_user_id="ann", external_agency_id="north")[0] == [calls[0]]
    assert list_page(acme, external_user_id="nobody")[0] == list_page(acme, external_agency_id="nowhere")[0] == []


@pytest.mark.parametrize("filters", [{}, {"external_user_id": "ann"}, {"external_agency_id": "north"}])
def test_pages_are_stable_while_calls_are_added(
    acme: Reseller, store_scored_call: Scored, filters: dict[str, str]
) -> None:
    before = [store_scored_call("ann", "north").id for _ in range(5)][::-1]
    first, cursor = list_page(acme, 2, **filters)
    store_scored_call("ann", "north")
    second, cursor = list_page(acme, 2, cursor, **filters)
    third, cursor = list_page(acme, 2, cursor, **filters)
    assert (first + second + third, cursor) == (before, None)
    assert list_page(acme, 6, **filters)[1] is None, "a page that is full may be the last"


def test_a_page_is_two_requests_however_many_calls_there_are(acme: Reseller, store_scored_call: Scored) -> None:
    for _ in range(3):
        store_scored_call("ann", "north")
    store_scored_call("bob")
    caller, asked = acme.caller(), []
    clients.dynamodb_client().meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
    for filters in ({}, {"external_user_id": "bob"}, {"external_user_id": "ann", "external_agency_id": "north"}):
        roleplay.list_scored_calls(caller, ScoredCallFilter(**{"start": FROM, **filters}), 2, None)
    roleplay.get_scored_call(caller, list_page(acme)[0][0])
    assert asked[:6] == ["Query", "BatchGetItem"] * 3
    assert asked[-1] == "Query"


def test_a_cursor_belongs_to_its_list(acme: Reseller, store_scored_call: Scored) -> None:
    for _ in range(2):
        store_scored_call("ann", "north")
    _, cursor = list_page(acme, 1)
    assert cursor
    other = reseller("other")
    for wrong in (
        lambda: list_page(other, 1, cursor),
        lambda: list_page(acme, 1, cursor, external_user_id="ann"),
        lambda: list_page(acme, 1, cursor, end="2027-01-01T00:00:00.000Z"),
        lambda: list_page(acme, 1, cursor[:-2]),
        lambda: list_page(acme, 1, "nonsense"),
    ):
        with pytest.raises(Invalid):
            wrong()


def send_request(acme: Reseller, path: str = "", **query: str) -> tuple[int, Any]:
    from functions.athos.calls.handler import handler

    event = {
        "httpMethod": "GET",
        "path": f"/api/external/v1/calls{path}",
        "headers": {"Authorization": f"Bearer {acme.key}", "x-correlation-id": "two words"},
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
        "requestContext": {"identity": {"sourceIp": "203.0.113.7"}},
        "body": None,
    }
    answer = handler(event, Context(topology.function("athos/calls")))
    return answer["statusCode"], json.loads(answer["body"])


GOOD = ["2026-01-15T00:00:00Z", "2026-01-15T00:00:00.000Z", "2026-01-15T01:00:00+01:00", "2026-01-15T00:00:00.123456Z"]
BAD = [
    "",
    "yesterday",
    "2026-01-15",
    "2026-01-15T00:00:00",
    "1768435200",
    "2026-13-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
]


@pytest.mark.parametrize("name", ["from", "to"])
def test_a_timestamp_needs_a_time_zone(acme: Reseller, name: str) -> None:
    for moment, status in [*((good, 200) for good in GOOD), *((bad, 400) for bad in BAD)]:
        found, body = send_request(acme, **({"from": "2026-01-01T00:00:00Z"} | {name: moment}))
        assert found == status, (moment, body)
        assert status == 200 or body["error"]["code"] == "INVALID_REQUEST"


INVALID: tuple[dict[str, str], ...] = (
    {},
    {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
    *({"from": FROM, "limit": limit} for limit in ("0", "-1", "many", "1.5", "")),
    {"from": FROM, "source": "ingestion"},
    {"from": FROM, "cursor": "AAAA"},
)


def test_invalid_parameters_are_refused(acme: Reseller) -> None:
    for query in INVALID:
        status, body = send_request(acme, **query)
        assert (status, body["error"]["code"]) == (400, "INVALID_REQUEST"), query


@pytest.mark.parametrize(("asked", "given"), [(None, 50), ("100", 100), ("101", 100), ("99999999999999999999", 100)])
def test_a_page_has_fifty_calls_by_default_and_a_hundred_at_most(
    acme: Reseller, asked: str | None, given: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[int] = []
    monkeypatch.setattr(
        roleplay, "list_scored_calls", lambda caller, listed, limit, after: limits.append(limit) or ([], None)
    )
    assert send_request(acme, **{"from": FROM}, **({"limit": asked} if asked else {})) == (
        200,
        {"data": [], "nextCursor": None},
    )
    assert limits == [given]


def test_a_window_start_is_rounded_up_to_a_millisecond(acme: Reseller, store_scored_call: Scored) -> None:
    end = (store_scored_call().ended_at or "").removesuffix("Z")
    assert len(send_request(acme, **{"from": f"{end}Z", "to": f"{end}999Z"})[1]["data"]) == 1
    assert send_request(acme, **{"from": f"{end}001Z"})[1]["data"] == []


def test_the_detail_matches_the_contract(acme: Reseller) -> None:
    call = practise_call(acme)
    scoring.score_call(call.org_id, call.id)
    status, body = send_request(acme, f"/{call.id}")
    assert (status, body["status"], body["externalAgencyId"]) == (200, "scored", None)
    assert body["externalUserId"] == call.external_user_id
    assert {turn["role"] for turn in body["transcript"]} == {"assistant", "user"}
    assert body["audioUrl"] is body["audioUrlExpiresAt"] is body["waveform"] is None
    spoken = {turn["turn"]: turn["content"] for turn in body["transcript"]}
    evidence = [one for criterion in body["score"]["criteria"] for one in criterion["evidence"]]
    assert evidence
    assert all(spoken[one["turn"]][one["start"] : one["end"]] for one in evidence)
    assert body["durationSec"] == load_call(call).duration_seconds
    assert send_request(acme, "/athos_call_nothing")[1]["error"]["code"] == "CALL_NOT_FOUND"


def test_a_webhook_of_a_failed_call_has_the_reason(acme: Reseller) -> None:
    call = redeem_session(acme, "rep_silent", "north")
    lifecycle.apply_report(TransportReport(org_id=call.org_id, call_id=call.id, kind="ended", turns=0))
    scoring.score_call(call.org_id, call.id)
    failed = roleplay.find_call(acme.org_id, call.id)
    assert failed is not None
    assert (failed.source, failed.external_user_id, failed.external_agency_id) == ("roleplay", "rep_silent", "north")
    assert (failed.failure_reason, failed.scored_at) == (scoring.SCORING_INCOMPLETE, None)
    assert failed.ended_at
    assert failed.failure_message
