"""Every error of the contract, and the order in which they are checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from switchboard.accounts import keys, organizations
from switchboard.calls import service
from switchboard.calls.models import Order, Tier
from switchboard.compliance import ledgers
from switchboard.kit import clock
from tests.unit.opticomm.backend import NOBODY, Backend, backend, code, make_flow, origin, post

ELSEWHERE = "198.51.100.9"


def test_a_missing_or_bad_key_is_refused(live: Backend) -> None:
    def with_key(text: str | None) -> tuple[int, str]:
        return code(post("{", {"Content-Type": "application/json"} | ({"X-API-Key": text} if text else {})))

    assert with_key(None) == (401, "MISSING_API_KEY")
    assert with_key("sk_live_abc") == (401, "INVALID_API_KEY_FORMAT")
    assert with_key(live.company.master_key) == (401, "INVALID_API_KEY_FORMAT")
    keys.revoke_key(origin(live.company.org_id), live.key.id)
    assert with_key(live.text) == (401, "INVALID_API_KEY")


def test_an_expired_key_is_refused(live: Backend, frozen: clock.FrozenClock) -> None:
    short = live.with_key(expires_at="2026-01-15T17:01:00.000Z")
    assert short.initiate().status_code == 200
    frozen.advance(minutes=1)
    assert code(short.initiate()) == (401, "API_KEY_EXPIRED")


def test_a_key_of_other_networks_is_refused(live: Backend) -> None:
    bound = live.with_key(ip_allowlist=["203.0.113.0/24"])
    assert bound.initiate().status_code == 200
    assert code(bound.ask({}, source_ip=ELSEWHERE)) == (403, "IP_NOT_ALLOWED")


def test_an_inactive_organization_is_refused(live: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    found = organizations.organization_ref

    def suspended(org_id: str) -> Any:
        ref = found(org_id)
        return replace(ref, parse=lambda item: ref.parse(item).model_copy(update={"status": "suspended"}))

    monkeypatch.setattr(organizations, "organization_ref", suspended)
    assert code(live.initiate()) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    "body",
    [
        *("", "{", "[]", "null", '"initiate_call"', '{"action": "initiate_call", "action": "check_status"}'),
        *({}, {"action": None}, {"action": "hang_up"}, {"action": ["initiate_call"]}, {"action": {}}),
    ],
)
def test_an_invalid_action_is_refused(live: Backend, body: Any) -> None:
    assert code(live.ask(body)) == (400, "INVALID_ACTION")


def test_bodies_that_are_too_large_or_of_another_type_are_refused(live: Backend) -> None:
    assert code(live.ask("x" * 1_048_577)) == (413, "INVALID_ACTION")
    assert code(live.ask({"action": "check_status"}, Content_Type="text/plain")) == (415, "INVALID_ACTION")


def test_a_key_may_do_only_what_it_permits(live: Backend) -> None:
    starts, asks = live.with_key(scopes=("initiate_call",)), live.with_key(scopes=("check_status",))
    call_id = starts.initiate().json()["call_id"]
    assert asks.check(call_id=call_id).status_code == 200
    assert code(starts.check(call_id=call_id)) == (403, "PERMISSION_DENIED")
    assert code(asks.initiate()) == (403, "PERMISSION_DENIED")
    assert starts.initiate(request_id="r-1").status_code == 200
    assert code(asks.initiate(request_id="r-1")) == (403, "PERMISSION_DENIED"), "a repetition needs it, too"


@pytest.mark.parametrize("name", ["agent_id", "phone_number"])
@pytest.mark.parametrize("value", [..., None, "", 7, ["x"], {}])
def test_missing_fields_are_refused(live: Backend, name: str, value: Any) -> None:
    body = {"action": "initiate_call", "agent_id": live.flow.id, "phone_number": NOBODY, name: value}
    answer = live.ask({name: value for name, value in body.items() if value is not ...})
    assert code(answer) == (400, "MISSING_FIELDS")
    assert f" {name}:" in answer.json()["message"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("variables", value) for value in ("x", ["x"], {"a": 1}, {"a": None}, {"a": "x" * 20_000})),
        *(("first_message_override", value) for value in (7, "x" * 2_001)),
        *(("request_id", value) for value in ("", "x" * 256, 7)),
        *(("webhook_url", value) for value in (7, "", "nonsense", "http://example.com/", "https://10.0.0.1/")),
        ("webhook_url", "https://user:password@example.com/"),
    ],
)
def test_malformed_optional_fields_are_refused(live: Backend, name: str, value: Any) -> None:
    answer = live.initiate(**{name: value})
    assert code(answer) == (400, "MISSING_FIELDS")


def test_optional_fields_may_be_null(live: Backend) -> None:
    names = ("variables", "first_message_override", "request_id", "webhook_url")
    body = {"action": "initiate_call", "agent_id": live.flow.id, "phone_number": NOBODY, **dict.fromkeys(names)}
    assert live.ask(body).json()["duplicate"] is False


@pytest.mark.parametrize(
    "number", ["14155550142", "+0155550142", "+1 415 555 0142", "+1415555", "+12025550142\n", "+19115550142", " "]
)
def test_invalid_numbers_are_refused(live: Backend, number: str) -> None:
    assert code(live.initiate(phone_number=number)) == (400, "INVALID_PHONE_FORMAT")


def test_unknown_agents_are_refused(live: Backend) -> None:
    other = backend(slug="other")
    inbound = make_flow(live.company.org_id, kind="inbound", provider_agent_id="agent_in")
    unknown = [
        "agt_1",
        "agent_none",
        "agent_in",
        inbound.id,
        other.flow.id,
        "0" * 36,
        "x" * 5_000,
        "agent_" + "x" * 999,
    ]
    for name in unknown:
        assert code(live.initiate(agent_id=name)) == (404, "AGENT_NOT_FOUND"), name[:50]


def test_agents_outside_the_key_are_refused(live: Backend) -> None:
    by_id = live.with_key(agents=[live.flow.id])
    second = make_flow(live.company.org_id, provider_agent_id="agent_2")
    by_provider = live.with_key(agents=["agent_2"])
    assert by_id.initiate().status_code == 200
    assert code(by_id.initiate(agent_id="agent_2")) == (403, "AGENT_NOT_ALLOWED")
    for name in ("agent_2", second.id, second.id.upper()):
        assert by_provider.initiate(agent_id=name).status_code == 200
    assert code(by_provider.initiate()) == (403, "AGENT_NOT_ALLOWED")


@pytest.mark.parametrize(
    ("number", "expected", "rule"),
    [
        ("+15005550020", "PHONE_ON_DNC", "dnc"),
        ("+15005550004", "PHONE_ON_DNC", "opt_out"),
        ("+15005550021", "PERMISSION_DENIED", "reassigned"),
        ("+15005550023", "PERMISSION_DENIED", "reassigned"),
        ("+15005550024", "PERMISSION_DENIED", "quiet_hours"),
    ],
)
def test_refusals_of_the_gate_have_their_codes(
    live: Backend, test: Backend, number: str, expected: str, rule: str
) -> None:
    for key in (live, test):
        answer = key.initiate(phone_number=number)
        assert code(answer) == (403, expected)
        assert f"rule {rule}:" in answer.json()["message"]


def test_a_block_an_opt_out_and_a_missing_consent_refuse_a_test_key_too(live: Backend, test: Backend) -> None:
    caller = live.company.caller()
    ledgers.block_number(caller, "+14155550143")
    ledgers.record_opt_out(caller, "+14155550144", "api")
    silent = make_flow(live.company.org_id, consent_source=None, consent_date=None)
    for key in (live, test):
        assert code(key.initiate(phone_number="+14155550143")) == (403, "PHONE_ON_DNC")
        assert code(key.initiate(phone_number="+14155550144")) == (403, "PHONE_ON_DNC")
        answer = key.initiate(agent_id=silent.id)
        assert code(answer) == (403, "PERMISSION_DENIED")
        assert "rule consent: missing" in answer.json()["message"]


def test_live_calls_are_refused_at_night(live: Backend, test: Backend, frozen: clock.FrozenClock) -> None:
    frozen.advance(hours=12)
    answer = live.initiate(phone_number="+14155552671")
    assert code(answer) == (403, "PERMISSION_DENIED")
    # Nine o'clock in California: our voice is artificial.
    assert "allowed again 2026-01-16T17:00:00.000Z" in answer.json()["message"]
    assert test.initiate(phone_number="+14155552671").status_code == 200


def test_unknown_calls_are_not_found(live: Backend, test: Backend) -> None:
    made = live.initiate(request_id="r-1").json()
    for named in ({}, {"call_id": ""}, {"call_id": 7}, {"request_id": ""}, {"call_id": "", "request_id": ""}):
        assert code(live.check(**named)) == (400, "MISSING_CALL_ID")
    other = backend(slug="other")
    for asker, named in (
        (live, {"call_id": "call_none"}),
        (live, {"call_id": "x" * 5_000}),
        (live, {"request_id": "x" * 5_000}),
        (live, {"request_id": "r-2"}),
        (live, {"call_id": "call_none", "request_id": "r-1"}),
        *((asker, {"call_id": made["call_id"]}) for asker in (other, test)),
        *((asker, {"request_id": "r-1"}) for asker in (other, test)),
    ):
        assert code(asker.check(**named)) == (404, "CALL_NOT_FOUND")


def test_a_call_placed_through_anima_is_not_visible(live: Backend) -> None:
    order = Order(to=NOBODY, tier=Tier.BASIC, consent_source="business-relationship")
    call = service.place_call(live.company.caller(), order)
    assert code(live.check(call_id=call.id)) == (404, "CALL_NOT_FOUND")


def test_provider_failures_have_their_codes(live: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    assert code(live.initiate(phone_number="+15005550013")) == (500, "CALL_FAILED")
    monkeypatch.setenv("SWITCHBOARD_FEATURE_PHONE_ENABLED", "off")
    assert code(live.initiate()) == (500, "CALL_FAILED")
    assert code(live.initiate(phone_number="+15005550020")) == (403, "PHONE_ON_DNC")


def test_an_internal_error_reveals_nothing(live: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("a secret of the house")

    monkeypatch.setattr("switchboard.calls.initiation._place", fail)
    answer = live.initiate()
    assert code(answer) == (500, "INTERNAL_ERROR")
    assert "secret" not in answer.text


def test_the_first_error_is_reported(live: Backend) -> None:
    """Each request fixes the first error of the previous one (docs/contracts/opticomm.md#order-of-checks)."""
    blocked = "+14155550143"
    ledgers.block_number(live.company.caller(), blocked)
    other = make_flow(live.company.org_id)
    key = live.with_key(
        ip_allowlist=["203.0.113.0/24"],
        scopes=("initiate_call",),
        agents=[live.flow.id],
        requests_per_minute=100,
        requests_per_day=1,
    )
    used_up = live.with_key(requests_per_minute=1, agents=[live.flow.id])
    used_up.check(request_id="x")
    none = {"action": "initiate_call", "agent_id": "agt_none", "phone_number": "none"}

    def turn(body: Any, asker: Backend = key, **options: Any) -> Callable[[], httpx.Response]:
        return lambda: asker.ask(body, **options)

    asked: list[tuple[Callable[[], httpx.Response], str]] = [
        (turn("{", source_ip=ELSEWHERE), "IP_NOT_ALLOWED"),
        (turn("{"), "INVALID_ACTION"),
        (turn({"action": "check_status"}), "PERMISSION_DENIED"),
        (turn(none | {"agent_id": None, "request_id": ""}), "MISSING_FIELDS"),
        (turn(none, used_up), "RATE_LIMIT_EXCEEDED"),
        (turn(none), "INVALID_PHONE_FORMAT"),
        (turn(none | {"phone_number": blocked}), "AGENT_NOT_FOUND"),
        (turn(none | {"phone_number": blocked, "agent_id": other.id}), "AGENT_NOT_ALLOWED"),
        (turn(none | {"phone_number": blocked, "agent_id": live.flow.id}), "PHONE_ON_DNC"),
        (turn(none | {"phone_number": NOBODY, "agent_id": live.flow.id}), ""),
        (turn(none), "DAILY_LIMIT_EXCEEDED"),
    ]
    assert [code(ask())[1] for ask, _ in asked] == [expected for _, expected in asked]


def test_an_invalid_body_is_reported_even_beyond_the_rate_limit(live: Backend) -> None:
    key = live.with_key(requests_per_minute=1)
    assert key.initiate().status_code == 200
    assert code(key.ask("{")) == (400, "INVALID_ACTION")
    assert code(key.initiate(agent_id="")) == (400, "MISSING_FIELDS")
    assert code(key.initiate()) == (429, "RATE_LIMIT_EXCEEDED")
