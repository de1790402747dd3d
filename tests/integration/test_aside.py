"""Requests that count their limits in a second thread, on the engine: allowed and forbidden overlaps."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from switchboard.accounts import keys
from switchboard.accounts.models import KeyKind
from switchboard.accounts.plans import PlanName
from switchboard.aws.clients import dynamodb_client, dynamodb_client_without_retries
from switchboard.email import service as email
from switchboard.email.models import MailDraft
from switchboard.kit import background, clock
from switchboard.usage import service as usage
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Dying, Killed, invoke, scan_items

pytestmark = pytest.mark.usefixtures("engine_cloud", "frozen", "threads")

#: How long a request waits for the others that run at the same time.
PATIENCE = 10
MAIL = {"to": "you@example.com", "subject": "Hello", "body": "From an agent."}
CALL = {"to": "+14155550142", "tier": "basic", "metadata": {"consent_source": "business-relationship"}}

#: Function, method, path, key, body.
Request = tuple[str, str, str, str | None, Any]


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "submit", background.run_in_thread)


def send_request(request: Request, retry: str | None = None, context: Any = None) -> dict[str, Any]:
    function, method, path, key, body = request
    headers = {"authorization": f"Bearer {key}"} if key else {}
    headers |= {"idempotency-key": retry} if retry else {}
    event = {
        "httpMethod": method,
        "path": path,
        "headers": headers | ({"content-type": "application/json"} if body is not None else {}),
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}},
        "body": json.dumps(body) if body is not None else None,
    }
    answer: dict[str, Any] = invoke(function, event, *([context] if context else []))
    return answer


def warm_key_cache(acme: Tenant) -> Tenant:
    """The organization, whose keys the process knows."""
    acme.caller()
    acme.caller(master=True)
    return acme


class Together:
    """Blocks each request until the given number has arrived, so that none arrives after another has finished."""

    def __init__(self, number: int) -> None:
        self._all = threading.Barrier(number)
        self.operations: list[str] = []
        self._left = number
        self._counting = threading.Lock()
        for client in (dynamodb_client(), dynamodb_client_without_retries()):
            client.meta.events.register_first("before-call", self._called)

    def _called(self, model: Any, **_: Any) -> None:
        with self._counting:
            self.operations.append(model.name)
            self._left -= 1
            among = self._left >= 0
        if among:
            self._all.wait(PATIENCE)


def a_mail(acme: Tenant) -> str:
    return email.send_message(acme.caller(), MailDraft(to=["you@example.com"], subject="s", body="b")).id


def a_key(acme: Tenant) -> str:
    return keys.create_key(acme.caller(master=True), KeyKind.MASTER, "spare").key.id


OVERLAPPING: dict[str, tuple[Callable[[Tenant], Request], list[str]]] = {
    "a read": (lambda acme: ("anima/email", "GET", "/v1/email/messages", acme.agent_key, None), ["Query"]),
    "a key's revocation": (
        lambda acme: ("anima/management", "DELETE", f"/v1/keys/{a_key(acme)}", acme.master_key, None), ["GetItem"]
    ),
    "a sliced plan's cap": (
        lambda acme: (
            "anima/management", "PUT", "/v1/billing/hard-cap", acme.master_key, {"enabled": True, "monthlyCapCents": 9}
        ),
        ["Query"],
    ),
    "a master key's answer to a mail": (
        lambda acme: (
            "anima/email", "POST", "/v1/email/send", acme.master_key,
            MAIL | {"agentId": acme.agent_id, "in_reply_to": a_mail(acme)},
        ),
        ["GetItem", "BatchGetItem", "BatchGetItem"],
    ),
    "a master key's call": (
        lambda acme: ("anima/voice", "POST", "/v1/voice/calls", acme.master_key, CALL | {"agentId": acme.agent_id}),
        ["BatchGetItem", "GetItem"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OVERLAPPING)
def test_limits_are_counted_in_parallel_with_independent_reads(name: str) -> None:
    acme = warm_key_cache(tenant(plan=PlanName.SCALE if name == "a sliced plan's cap" else PlanName.STARTER))
    make, read = OVERLAPPING[name]
    request = make(acme)
    together = Together(len(read) + 1)
    answer = send_request(request)
    assert answer["statusCode"] == 200, answer["body"]
    assert sorted(together.operations[: len(read) + 1]) == sorted([*read, "UpdateItem"])
    assert together.operations[len(read) + 1 :] in ([], ["TransactWriteItems"])


def test_the_record_of_an_idempotency_key_is_written_in_parallel() -> None:
    acme = warm_key_cache(tenant(plan=PlanName.STARTER))
    together = Together(2)
    assert send_request(("anima/email", "POST", "/v1/email/send", acme.agent_key, MAIL), "a-key")["statusCode"] == 200
    assert sorted(together.operations[:2]) == ["PutItem", "UpdateItem"]
    assert together.operations[2:] == ["BatchGetItem", "TransactWriteItems", "UpdateItem"]


@pytest.fixture
def held() -> threading.Event:
    """No request is counted until this event is set."""
    may_count = threading.Event()

    def hold(model: Any, params: dict[str, Any], **_: Any) -> None:
        if model.name == "UpdateItem" and "ratelimit" in json.dumps(params["body"], default=str):
            assert may_count.wait(PATIENCE)

    dynamodb_client_without_retries().meta.events.register_first("before-call", hold)
    return may_count


def test_nothing_is_written_before_the_limits_are_counted(held: threading.Event) -> None:
    acme = warm_key_cache(tenant())
    path = f"/v1/keys/{a_key(acme)}"
    read, before = threading.Event(), scan_items("activity")
    seen: list[bool] = []

    def release() -> None:
        assert read.wait(PATIENCE)
        seen.append(scan_items("activity") == before)
        held.set()

    dynamodb_client().meta.events.register("after-call.dynamodb.GetItem", lambda **_: read.set())
    observer = threading.Thread(target=release)
    observer.start()
    answer = send_request(("anima/management", "DELETE", path, acme.master_key, None))
    observer.join(PATIENCE)
    assert (answer["statusCode"], seen) == (200, [True])
    assert len(scan_items("activity")) > len(before)


def test_the_limits_hold_exactly_and_refused_requests_leave_nothing(
    frozen: clock.FrozenClock,
) -> None:
    acme = warm_key_cache(tenant(requests_per_minute=5))
    reply = MAIL | {"in_reply_to": a_mail(acme)}
    sent = usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["email"]
    request: Request = ("anima/email", "POST", "/v1/email/send", acme.agent_key, reply)
    answers = [send_request(request, f"key-{number}") for number in range(8)]
    assert [answer["statusCode"] for answer in answers] == [200] * 5 + [429] * 3
    assert [answer["headers"]["X-RateLimit-Remaining"] for answer in answers] == [*"43210", *"000"]
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["email"] == sent + 5
    assert len(scan_items("idempotency")) == 10, "a record and an effect for each request that passed"
    frozen.advance(minutes=1)
    again = [send_request(request, f"key-{number}") for number in (0, 7)]
    assert [answer["statusCode"] for answer in again] == [200, 200]
    assert [answer["headers"].get("Idempotent-Replayed") for answer in again] == ["true", None]


@pytest.mark.parametrize("dying", ["UpdateItem", "BatchGetItem", "TransactWriteItems"])
def test_a_request_killed_in_either_thread_and_repeated_with_its_key_is_done_once(dying: str) -> None:
    acme = warm_key_cache(tenant())
    reply = MAIL | {"in_reply_to": a_mail(acme)}
    sent = usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["email"]
    request: Request = ("anima/email", "POST", "/v1/email/send", acme.agent_key, reply)
    clients = (dynamodb_client(), dynamodb_client_without_retries())

    def die(**_: Any) -> None:
        raise Killed

    for when in ("before-call", "after-call"):
        for client in clients:
            client.meta.events.register_first(f"{when}.dynamodb.{dying}", die)
        with pytest.raises(Killed):
            send_request(request, f"key-{when}", Dying)
        for client in clients:
            client.meta.events.unregister(f"{when}.dynamodb.{dying}", die)
        answer, again = (send_request(request, f"key-{when}") for _ in range(2))
        assert (answer["statusCode"], again["body"]) == (200, answer["body"])
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["email"] == sent + 2
