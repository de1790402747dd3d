"""A backfill creates a contact for each number that was called, once, and adds missing names."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.contacts import backfill, service
from switchboard.contacts.models import Backfill, BackfillStatus
from switchboard.errors import NotFound
from switchboard.kit import clock
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.timers import store as timer_store
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Stream, everything, tick, work
from tests.unit.contacts.book import ADA, BOB, list_names, record_call, save_contact

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    timer_store.advance_watermark(clock.now_iso()[:16])
    return tenant()


def start_backfill(acme: Tenant) -> Backfill:
    return backfill.start_backfill(acme.caller(master=True))


def progress_of(job: Backfill) -> tuple[BackfillStatus, int, int, int]:
    return job.status, job.scanned, job.created, job.updated


def run_backfill(acme: Tenant) -> Backfill:
    """Returns the backfill after the stream and the queue have completed it."""
    stream = Stream()
    for _ in range(20):
        stream.hand_on()
        if not work("workers/contacts"):
            return backfill.get_backfill(acme.org_id)
    raise AssertionError("the backfill does not end")


def list_event_data(acme: Tenant, kind: str) -> list[dict[str, Any]]:
    return [item["data"]["M"] for item in everything("activity") if item.get("type") == {"S": kind}]


def test_every_called_number_gets_a_contact_with_its_name(acme: Tenant) -> None:
    record_call(acme, ADA, variables={"customer_name": "Ada"})
    record_call(acme, BOB)
    record_call(acme, "+12125550100", variables={"name": "Zoe"})
    record_call(acme, "+12125550101", variables={"name": "Nobody"}, simulated=True)
    save_contact(acme, "+12125550100", notes="alpha")
    save_contact(acme, "+12125550109", display_name="Never called")
    assert progress_of(start_backfill(acme)) == (BackfillStatus.RUNNING, 0, 0, 0)
    job = run_backfill(acme)
    assert progress_of(job) == (BackfillStatus.COMPLETED, 3, 2, 1)
    assert job.completed_at == clock.now_iso()
    assert list_names(acme) == ["Ada", "Never called", "Zoe", None]
    assert [list_names(acme, text) for text in ("ada", "0018", "alpha", "zoe")] == [["Ada"], [None], ["Zoe"], ["Zoe"]]


def test_a_name_that_a_person_set_stays(acme: Tenant) -> None:
    save_contact(acme, display_name="Countess")
    record_call(acme, ADA, variables={"name": "Ada"})
    start_backfill(acme)
    assert progress_of(run_backfill(acme)) == (BackfillStatus.COMPLETED, 1, 0, 0)
    assert list_names(acme) == ["Countess"]


def test_a_second_start_joins_a_running_backfill_and_a_later_one_starts_again(acme: Tenant) -> None:
    record_call(acme, ADA)
    first = start_backfill(acme)
    assert start_backfill(acme).id == first.id
    run_backfill(acme)
    record_call(acme, BOB)
    again = start_backfill(acme)
    assert again.id != first.id
    assert progress_of(run_backfill(acme)) == (BackfillStatus.COMPLETED, 2, 1, 0)
    assert len(list_event_data(acme, "contacts.backfill_started")) == 2


def test_an_organization_without_calls_is_done_at_once(acme: Tenant) -> None:
    with pytest.raises(NotFound):
        backfill.get_backfill(acme.org_id)
    start_backfill(acme)
    assert progress_of(run_backfill(acme)) == (BackfillStatus.COMPLETED, 0, 0, 0)
    with pytest.raises(NotFound):
        backfill.get_backfill(tenant("other").org_id)


def test_a_repeated_request_starts_no_second_backfill(acme: Tenant) -> None:
    effect = IdempotencyKey(scope=acme.org_id, key="1", fingerprint="same")
    first = backfill.start_backfill(acme.caller(master=True), effect)
    run_backfill(acme)
    assert backfill.start_backfill(acme.caller(master=True), effect).id == first.id
    assert len(list_event_data(acme, "contacts.backfill_started")) == 1


def test_a_long_history_takes_many_transactions_and_many_jobs(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "_NUMBERS_PER_PAGE", 4)
    monkeypatch.setattr(backfill, "_MAX_CONTACT_WRITES", 20)
    monkeypatch.setattr(backfill, "_STEPS_PER_JOB", 2)
    for number in range(11):
        record_call(acme, f"+141555501{number:02}", variables={"name": f"Ada {number:02}"})
    start_backfill(acme)
    job = run_backfill(acme)
    assert progress_of(job) == (BackfillStatus.COMPLETED, 11, 11, 0)
    assert job.step > 5
    assert list_names(acme, "ada", 3).count(None) == 0
    assert sorted(str(name) for name in list_names(acme)) == [f"Ada {number:02}" for number in range(11)]
    (ended,) = list_event_data(acme, "contacts.backfill_completed")
    assert ended == {"scanned": {"N": "11"}, "created": {"N": "11"}, "updated": {"N": "0"}}
    made = [one["S"] for data in list_event_data(acme, "contacts.backfilled") for one in data["created"]["L"]]
    assert sorted(made) == sorted(service.contact_id(acme.org_id, f"+141555501{number:02}") for number in range(11))


def test_a_name_of_many_words_is_found_by_each_word(acme: Tenant) -> None:
    words = [f"w{number:02}" for number in range(40)]
    record_call(acme, ADA, variables={"name": " ".join(words)})
    start_backfill(acme)
    run_backfill(acme)
    assert all(len(list_names(acme, word)) == 1 for word in words)


def test_a_backfill_whose_message_was_lost_continues_on_the_next_request(
    acme: Tenant, frozen: clock.FrozenClock
) -> None:
    record_call(acme, ADA)
    job = start_backfill(acme)
    frozen.advance(minutes=9)
    assert start_backfill(acme) == job
    frozen.advance(minutes=2)
    assert start_backfill(acme).id == job.id
    tick()
    work("workers/contacts")
    assert progress_of(backfill.get_backfill(acme.org_id)) == (BackfillStatus.COMPLETED, 1, 1, 0)


def test_an_event_of_one_backfill_does_not_affect_the_next(acme: Tenant) -> None:
    record_call(acme, ADA)
    first = start_backfill(acme)
    run_backfill(acme)
    second = start_backfill(acme)
    backfill.run_next_steps(acme.org_id, first.id)
    assert backfill.get_backfill(acme.org_id) == second
