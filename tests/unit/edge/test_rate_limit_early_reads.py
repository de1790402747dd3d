"""A request that reads before its rate limit is known: if it is refused, nothing of it is written or kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from datetime import date
from typing import Any

import pytest

from functions.streams import anima as streams
from switchboard.accounts import keys
from switchboard.accounts.models import KeyKind
from switchboard.accounts.plans import PlanName
from switchboard.compliance import service as compliance
from switchboard.edge.streaming.responses import StreamContext
from switchboard.kit import background, clock
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Dying, Sabotage, invoke, scan_items

pytestmark = pytest.mark.usefixtures("cloud")

MAIL = {"to": "you@example.com", "subject": "Hello", "body": "From an agent."}
CALL = {"to": "+14155512345", "tier": "basic", "metadata": {"consent_source": "business-relationship"}}


def build_event(method: str, path: str, key: str, body: Any = None, retry: str | None = None) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {key}"} | ({"idempotency-key": retry} if retry else {})
    return {
        "httpMethod": method,
        "path": path,
        "headers": headers | ({"content-type": "application/json"} if body is not None else {}),
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}},
        "body": json.dumps(body) if body is not None else None,
    }


def send_request(function: str, *request: Any) -> dict[str, Any]:
    answer: dict[str, Any] = invoke(f"anima/{function}", build_event(*request))
    return answer


def send_mail(acme: Tenant, *retry: str) -> dict[str, Any]:
    return send_request("email", "POST", "/v1/email/send", acme.agent_key, MAIL, *retry)


def use_up_limits(acme: Tenant) -> Tenant:
    """Use up the minute of the organization. The use of its keys is recorded before."""
    acme.caller()
    assert send_request("management", "GET", "/v1/billing/tier", acme.master_key)["statusCode"] == 200
    return acme


@pytest.fixture
def acme(frozen: clock.FrozenClock) -> Tenant:
    return use_up_limits(tenant(requests_per_minute=1))


def stored_items() -> list[dict[str, Any]]:
    """Returns all stored items except the counters of requests."""
    return [item for table in ("core", "activity", "idempotency") for item in scan_items(table)]


def create_spare_key(acme: Tenant) -> str:
    """Returns the path of a key that may be deleted."""
    return f"/v1/keys/{keys.create_key(acme.caller(master=True), KeyKind.MASTER, 'spare').key.id}"


REFUSED: dict[str, Callable[[Tenant], tuple[Any, ...]]] = {
    "writes": lambda acme: ("email", "POST", "/v1/email/send", acme.agent_key, MAIL),
    "reads, then writes": lambda acme: ("management", "DELETE", create_spare_key(acme), acme.master_key),
    "reads": lambda acme: ("email", "GET", "/v1/email/messages", acme.agent_key),
    "asks for nothing": lambda acme: ("management", "GET", "/v1/billing/tier", acme.master_key),
    "finds nothing": lambda acme: ("email", "GET", "/v1/email/messages/msg_1", acme.agent_key),
    "is not valid": lambda acme: ("email", "POST", "/v1/email/send", acme.agent_key, {"to": "nobody"}),
}


@pytest.mark.parametrize("retry", [None, "a-key-that-it-may-be-repeated-with"])
@pytest.mark.parametrize("name", REFUSED)
def test_a_request_beyond_the_limits_is_refused_for_any_outcome_and_leaves_nothing(
    acme: Tenant, frozen: clock.FrozenClock, name: str, retry: str | None
) -> None:
    function, method, path, key, *body = REFUSED[name](acme)
    before = stored_items()
    refused = send_request(function, method, path, key, *(body or [None]), retry)
    assert (refused["statusCode"], json.loads(refused["body"])["code"]) == (429, "RATE_LIMIT")
    assert refused["headers"]["X-RateLimit-Limit"] == "1"
    assert refused["headers"]["X-RateLimit-Remaining"] == "0"
    assert int(refused["headers"]["Retry-After"]) > 0
    assert stored_items() == before
    frozen.advance(minutes=1)
    answer = send_request(function, method, path, key, *(body or [None]), retry)
    assert answer["statusCode"] != 429
    assert "Idempotent-Replayed" not in answer["headers"]
    assert answer["headers"]["X-RateLimit-Limit"] == "1"


def test_a_request_whose_record_cannot_be_deleted_is_refused_for_its_rate_and_runs_later(
    acme: Tenant, frozen: clock.FrozenClock
) -> None:
    sabotage = Sabotage()
    sabotage.fail("DeleteItem", "InternalServerError", times=20)
    request = build_event("POST", "/v1/email/send", acme.agent_key, MAIL, "a-key")
    assert invoke("anima/email", request, Dying)["statusCode"] == 429
    sabotage.mend()
    frozen.advance(minutes=1)
    assert invoke("anima/email", request)["statusCode"] == 200


def test_a_replay_counts_towards_the_limits_like_every_request(acme: Tenant, frozen: clock.FrozenClock) -> None:
    frozen.advance(minutes=1)
    first = send_mail(acme, "a-key")
    assert send_mail(acme, "a-key")["statusCode"] == 429
    frozen.advance(minutes=1)
    again = send_mail(acme, "a-key")
    assert (again["body"], again["headers"]["Idempotent-Replayed"]) == (first["body"], "true")


def test_a_server_error_beyond_the_limits_is_answered_as_a_rate_refusal(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("switchboard.email.store.list_messages", fail)
    assert send_request("email", "GET", "/v1/email/messages", acme.agent_key)["statusCode"] == 429


def test_a_stream_beyond_the_limits_takes_no_place_among_the_open_streams(acme: Tenant) -> None:
    opening = StreamContext()
    answer = streams.api.handler(build_event("GET", "/v1/events/stream", acme.agent_key), opening)
    assert (answer["statusCode"], opening.opened) == (429, None)
    assert not [item for item in scan_items("ratelimit") if item["id"]["S"].startswith("streams#")]


def test_no_lookup_is_paid_for_a_call_beyond_the_limits(
    acme: Tenant, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Database:
        def query_number(self, e164: str, since: date) -> str:
            asked.append(e164)
            return "no"

    monkeypatch.setattr(compliance, "get_reassigned_numbers", Database)

    def place_call() -> int:
        return int(send_request("voice", "POST", "/v1/voice/calls", acme.agent_key, CALL)["statusCode"])

    assert (place_call(), asked) == (429, [])
    frozen.advance(minutes=1)
    assert (place_call(), asked) == (200, [CALL["to"]])


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Records the work for which a thread would start."""
    made: list[str] = []

    def start(work: Callable[[], Any]) -> Future[Any]:
        made.append("thread")
        return background.run_inline(work)

    monkeypatch.setattr(background, "submit", start)
    return made


def test_only_a_request_that_reads_starts_a_thread(frozen: clock.FrozenClock, started: list[str]) -> None:
    acme = tenant()
    for name, threads in (("asks for nothing", 0), ("is not valid", 0), ("writes", 1), ("reads", 1)):
        started.clear()
        function, method, path, key, *body = REFUSED[name](acme)
        assert send_request(function, method, path, key, *body)["statusCode"] in (200, 400)
        assert len(started) == threads, name


def test_a_valid_lease_starts_no_thread(frozen: clock.FrozenClock, started: list[str]) -> None:
    acme = tenant(plan=PlanName.SCALE)
    with Sabotage().counting() as calls:
        for _ in range(40):
            assert send_request("email", "GET", "/v1/email/messages", acme.agent_key)["statusCode"] == 200
    assert len(started) == calls.count("UpdateItem") - 1, "one more update records the use of the key"
    assert len(started) < 15


def test_a_cached_refusal_starts_no_thread_and_reads_and_writes_nothing(
    acme: Tenant, frozen: clock.FrozenClock, started: list[str]
) -> None:
    request = ("email", "GET", "/v1/email/messages", acme.agent_key)
    refused = send_request(*request)
    started.clear()
    with Sabotage().counting() as calls:
        for _ in range(200):
            again = send_request(*request)
            assert (again["statusCode"], json.loads(again["body"])["code"]) == (429, "RATE_LIMIT")
            assert again["headers"]["Retry-After"] == refused["headers"]["Retry-After"]
            assert again["headers"]["RateLimit"] == refused["headers"]["RateLimit"]
    assert (started, calls) == ([], [])


def test_a_throttled_limiter_refuses_for_a_second_in_the_callers_dialect(frozen: clock.FrozenClock) -> None:
    acme = use_up_limits(tenant())
    sabotage = Sabotage()
    sabotage.fail("UpdateItem", "ProvisionedThroughputExceededException", times=100)
    for _ in range(3):
        refused = send_request("email", "GET", "/v1/email/messages", acme.agent_key)
        assert (refused["statusCode"], json.loads(refused["body"])["code"]) == (429, "RATE_LIMIT_PER_SECOND")
        assert refused["headers"]["Retry-After"] == "1"
    sabotage.mend()
    frozen.advance(seconds=1)
    assert send_request("email", "GET", "/v1/email/messages", acme.agent_key)["statusCode"] == 200


def test_anonymous_requests_are_counted_although_nothing_is_read(frozen: clock.FrozenClock, started: list[str]) -> None:
    answer = send_request("email", "GET", "/v1/email/messages", "ak_nobodys")
    assert (answer["statusCode"], answer["headers"]["X-RateLimit-Remaining"]) == (401, "599")
    assert started == []
