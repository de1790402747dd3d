"""Fan-out, timers, audit and reports under faults."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from switchboard.audit import chain
from switchboard.audit import service as audit
from switchboard.aws.writes import commit
from switchboard.email import service
from switchboard.email.jobs import SendMail
from switchboard.email.models import MailDraft, MailState, Message
from switchboard.kit import clock, ids
from switchboard.timers import service as timers
from tests.actors import Tenant
from tests.integration.faults.conftest import list_events, load_message, queue_mail
from tests.integration.sabotage import Sabotage, Stream, drain_queue, run_tick, run_worker, scan_items

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def stream(acme: Tenant) -> Stream:
    found = Stream()
    found.hand_on()
    drain_queue("audit")
    return found


def set_timer(acme: Tenant, name: str, **due_in: float) -> None:
    """A timer for a job without effect."""
    commit(timers.schedule(SendMail(org_id=acme.org_id, message_id=name), clock.now() + timedelta(**due_in)).write)


def job_names(bodies: list[dict[str, Any]]) -> Counter[str]:
    return Counter(body["message_id"] for body in bodies if not body["message_id"].startswith("msg_"))


def test_a_fan_out_killed_anywhere_forwards_every_event(
    acme: Tenant, saboteur: Sabotage, stream: Stream, frozen: clock.FrozenClock
) -> None:
    draft = MailDraft(to=["you@example.com"], subject="s", body="b")
    # Scan, and one request to each of two queues.
    for done in range(4):
        sent = [service.send_message(acme.caller(correlation_id=ids.new_id("corr")), draft) for _ in range(2)]
        set_timer(acme, "soon")
        with saboteur.killing(after=done):
            stream.hand_on()
        stream.hand_on()  # the stream brings the whole batch again
        jobs = drain_queue("email")
        assert job_names(jobs).keys() == {"soon"}
        assert {body["message_id"] for body in jobs} == {"soon", *(one.id for one in sent)}
        sealed = Counter(event["id"] for body in drain_queue("audit") for event in body["events"])
        assert sealed == Counter(event.id for message in sent for event in list_events(message))


def test_a_tick_and_its_workers_killed_anywhere_fire_every_timer(
    acme: Tenant, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    for done in range(14):
        for name in ("a", "b", "c"):
            set_timer(acme, name, minutes=16)
        frozen.advance(minutes=16)
        with saboteur.killing(after=done):
            run_tick()
        run_worker("workers/timers")  # the queue brings the killed worker's job again
        frozen.advance(minutes=1)
        run_tick()
        assert job_names(drain_queue("email")).keys() == {"a", "b", "c"}
        assert not any(item["pk"]["S"].startswith("timer#") for item in scan_items("activity"))


def test_a_sealer_killed_anywhere_leaves_a_chain_without_gaps_or_duplicates(
    acme: Tenant, saboteur: Sabotage, stream: Stream
) -> None:
    round_of_a_sealer = ["GetItem", "BatchGetItem", "PutItem", "BatchWriteItem", "PutItem"]
    told_of: list[str] = []
    for done in range(len(["ReceiveMessage", *round_of_a_sealer, "DeleteMessage"])):
        message = queue_mail(acme)
        stream.hand_on()
        with saboteur.killing(after=done):
            run_worker("workers/audit")
        run_worker("workers/audit")
        told_of.append(list_events(message)[0].id)
    documents = list(audit.export_documents(acme.org_id, 0, 1_000))
    assert chain.verify_export(documents) == (len(documents), audit.get_head(acme.org_id).hash, None)
    assert [document["id"] for document in documents if document["action"] == "email.queued"] == told_of


def test_provider_reports_are_applied_once_after_a_kill_anywhere(acme: Tenant, saboteur: Sabotage) -> None:
    def sent_and_reported() -> Message:
        message = queue_mail(acme)
        run_worker("workers/email")
        return message

    sent_and_reported()
    with saboteur.counting() as calls:
        run_worker("workers/email_events")
    for done in range(len(list(calls))):
        message = sent_and_reported()
        with saboteur.killing(after=done):
            run_worker("workers/email_events")
        run_worker("workers/email_events")
        assert load_message(message).state is MailState.DELIVERED
        kinds = ["email.delivered", "email.queued", "email.sent"]
        assert sorted(event.type for event in list_events(message)) == kinds
