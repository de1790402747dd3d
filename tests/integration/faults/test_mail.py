"""Mail under faults: a worker killed between any two of its steps loses nothing and sends nothing twice."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest

from switchboard.aws import queues
from switchboard.email.models import MailState, Message
from switchboard.kit import clock, jobs
from tests.actors import Tenant
from tests.integration.faults.conftest import list_events, load_message, queue_mail
from tests.integration.sabotage import Sabotage, drain_queue, run_tick, run_worker

pytestmark = pytest.mark.usefixtures("cloud")


#: The calls of a mail's job: receive, read, claim, send, read, record, delete, and a receive from the empty queue.
MAIL_JOB = ["ReceiveMessage", "BatchGetItem", "TransactWriteItems", "SendMessageBatch"]
MAIL_JOB += ["Query", "TransactWriteItems", "DeleteMessage", "ReceiveMessage"]


def settle(mails: list[Message], frozen: clock.FrozenClock) -> list[str]:
    """Run everything after the faults. Check that no mail is lost or sent twice. Returns the final states."""
    reports = drain_queue("email-events")
    handed_over = Counter(
        report["mail"]["tags"]["switchboard-message"][0] for report in reports if report["eventType"] == "Send"
    )
    assert handed_over.keys() <= {message.id for message in mails}
    assert set(handed_over.values()) <= {1}
    recorded = {message.id for message in mails if load_message(message).state is MailState.SENT}
    assert {load_message(message).state for message in mails} <= {MailState.SENT, MailState.SENDING}
    frozen.advance(minutes=10, seconds=1)
    run_tick()
    run_worker("workers/email")
    assert {load_message(message).state for message in mails if message.id not in recorded} <= {MailState.UNCONFIRMED}
    assert drain_queue("email-events") == []  # and no mail was sent again
    queues.send_messages(jobs.QueueMessage(queue="email-events", body=report, group="reports") for report in reports)
    run_worker("workers/email_events")
    endings = []
    for message in mails:
        expected = ["email.queued"]
        expected += [] if message.id in recorded else ["email.unconfirmed"]
        expected += ["email.sent", "email.delivered"] if message.id in handed_over else []
        assert Counter(event.type for event in list_events(message)) == Counter(expected)
        assert load_message(message).state is (
            MailState.DELIVERED if message.id in handed_over else MailState.UNCONFIRMED
        )
        ending = "recorded" if message.id in recorded else "unknown"
        endings.append(ending + (", handed over" if message.id in handed_over else ""))
    return endings


def test_the_mail_worker_makes_the_expected_aws_calls(acme: Tenant, saboteur: Sabotage) -> None:
    message = queue_mail(acme)
    with saboteur.counting() as calls:
        run_worker("workers/email")
    assert calls == MAIL_JOB
    assert load_message(message).state is MailState.SENT


def test_a_mail_worker_killed_anywhere_sends_at_most_once(
    acme: Tenant, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    mails = []
    for done in range(len(MAIL_JOB)):
        mails.append(queue_mail(acme))
        with saboteur.killing(after=done):
            run_worker("workers/email")
        run_worker("workers/email")  # the queue brings the job again
    assert settle(mails, frozen) == [
        *["recorded, handed over"] * 3,  # nothing was done yet: the second run does everything
        "unknown",  # claimed
        *["unknown, handed over"] * 2,  # and accepted by the provider
        *["recorded, handed over"] * 2,  # and recorded
    ]


def test_a_mail_worker_killed_twice_sends_at_most_once(
    acme: Tenant, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    mails = []
    # After the claim a second run only reads and stops. It can be killed at two points.
    for first, second in [*product([2], range(2, 6)), *product(range(3, 6), [1, 2])]:
        mails.append(queue_mail(acme))
        for call in (first, second):
            with saboteur.killing(after=call):
                run_worker("workers/email")
        run_worker("workers/email")
    settle(mails, frozen)


def test_a_claim_watch_killed_anywhere_reports_once(
    acme: Tenant, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    watch = ["ReceiveMessage", "Query", "TransactWriteItems", "DeleteMessage", "ReceiveMessage"]
    for done in range(len(watch)):
        message = queue_mail(acme)
        with saboteur.killing(after=MAIL_JOB.index("SendMessageBatch")):
            run_worker("workers/email")
        assert load_message(message).state is MailState.SENDING
        frozen.advance(minutes=10, seconds=1)
        run_tick()
        with saboteur.killing(after=done):
            run_worker("workers/email")
        run_worker("workers/email")
        assert load_message(message).state is MailState.UNCONFIRMED
        assert [event.type for event in list_events(message)] == ["email.queued", "email.unconfirmed"]


def test_a_throttled_mail_with_a_killed_worker_is_sent_once_or_reported_unconfirmed(
    acme: Tenant, saboteur: Sabotage, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_MAIL_CARRIER", "ses")
    throttled = ["ReceiveMessage", "BatchGetItem", "TransactWriteItems", "SendRawEmail", "Query", "TransactWriteItems"]
    for done in range(len(throttled) + 1):
        message = queue_mail(acme)
        saboteur.fail("SendRawEmail", "Throttling")
        with saboteur.killing(after=done):
            run_worker("workers/email", at_most=1)
        saboteur.mend()
        with saboteur.counting() as calls:
            run_worker("workers/email")
        if load_message(message).state is MailState.SENDING:
            assert "SendRawEmail" not in calls
            frozen.advance(minutes=10, seconds=1)
            run_tick()
            run_worker("workers/email")
            assert load_message(message).state is MailState.UNCONFIRMED
        else:
            assert calls.count("SendRawEmail") == 1
            assert load_message(message).state is MailState.SENT
