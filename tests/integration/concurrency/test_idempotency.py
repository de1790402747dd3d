"""Concurrent requests with one key, on the engine: one effect."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from switchboard.accounts.plans import PlanName
from switchboard.carriers import mail
from switchboard.email import delivery
from switchboard.email import service as email
from switchboard.email.models import Message
from switchboard.kit import clock
from switchboard.usage import service as usage
from tests.actors import tenant, with_effect
from tests.integration.concurrency.conftest import count_events, draft, list_messages, run_together
from tests.integration.conftest import SignedUp
from tests.integration.sabotage import Sabotage

MAIL = {"to": "you@example.com", "subject": "Hello", "body": "From an agent."}


@pytest.mark.usefixtures("engine_cloud")
@pytest.mark.parametrize("number", [2, 8])
def test_concurrent_equal_requests_have_one_effect_and_the_same_result(number: int) -> None:
    acme = tenant()
    caller = acme.caller()
    sent = run_together([lambda: email.send_message(with_effect(caller, "key"), draft())] * number)
    assert {message.id for message in sent if isinstance(message, Message)} == {
        message.id for message in list_messages(acme)
    }
    assert (len(sent), len(list_messages(acme)), count_events(acme, "email.queued")) == (number, 1, 1)
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["email"] == 1


@pytest.mark.parametrize("number", [2, 8])
def test_concurrent_equal_http_requests_are_replayed_or_asked_to_wait(
    stack: Any, http: httpx.Client, acme: SignedUp, number: int
) -> None:
    headers = acme.agent | {"Idempotency-Key": f"at-once-{number}"}
    clients = [httpx.Client(base_url=stack.url, timeout=20) for _ in range(number)]
    answers = run_together([lambda one=one: one.post("/v1/email/send", json=MAIL, headers=headers) for one in clients])
    for client in clients:
        client.close()
    given = [answer for answer in answers if isinstance(answer, httpx.Response)]
    assert len(given) == number
    assert {answer.status_code for answer in given} <= {200, 409}
    first = [answer for answer in given if answer.status_code == 200 and "idempotent-replayed" not in answer.headers]
    assert len(first) == 1
    for answer in given:
        if answer.status_code == 409:
            assert int(answer.headers["retry-after"]) > 0
            assert answer.json()["code"] == "CONFLICT"
        else:
            assert answer.content == first[0].content
    again = http.post("/v1/email/send", json=MAIL, headers=headers)
    assert (again.content, again.headers["idempotent-replayed"]) == (first[0].content, "true")
    assert len(http.get("/v1/email/messages", headers=acme.agent).json()["items"]) == 1


@pytest.mark.usefixtures("engine_cloud")
def test_a_mail_with_many_concurrent_jobs_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    handed_over: list[mail.OutgoingMail] = []

    class Carrier:
        def send(self, outbound: mail.OutgoingMail) -> str:
            handed_over.append(outbound)
            return "ses-1@email.amazonses.com"

    monkeypatch.setattr(mail, "mail_carrier", Carrier)
    acme = tenant()
    for _ in range(3):
        message = email.send_message(acme.caller(), draft())
        handed_over.clear()
        run_together([lambda one=message: delivery.send_queued(one.org_id, one.id)] * 4)
        assert [outbound.message_id for outbound in handed_over] == [message.id]
    assert count_events(acme, "email.sent") == 3


@pytest.mark.usefixtures("engine_cloud")
def test_a_commit_with_a_lost_response_is_applied_once() -> None:
    acme = tenant(plan=PlanName.STARTER)
    caller = acme.caller()
    Sabotage().lose_answer("TransactWriteItems")
    email.send_message(caller, draft())
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["email"] == 1
    assert len(list_messages(acme)) == 1
