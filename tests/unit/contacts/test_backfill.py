"""A backfill makes a contact of each number that was called, once, and names those that had no name."""

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
from tests.integration.sabotage import Stream, run_tick, run_worker, scan_items
from tests.unit.contacts.book import ADA, BOB, called, names, saved

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    timer_store.advance_watermark(clock.now_iso()[:16])
    return tenant()


def started(acme: Tenant) -> Backfill:
    return backfill.start_backfill(acme.caller(master=True))


def counted(job: Backfill) -> tuple[BackfillStatus, int, int, int]:
    return job.status, job.scanned, job.created, job.updated


def finished(acme: Tenant) -> Backfill:
    """The job, after it has come to its end by the stream and the queue alone."""
    stream = Stream()
    for _ in range(20):
        stream.hand_on()
        if not run_worker("workers/contacts"):
            return backfill.get_backfill(acme.org_id)
    raise AssertionError("it does not come to an end")


def told(acme: Tenant, kind: str) -> list[dict[str, Any]]:
    return [item["data"]["M"] for item in scan_items("activity") if item.get("type") == {"S": kind}]


def test_every_number_that_was_called_gets_a_contact_and_its_name(acme: Tenant) -> None:
    called(acme, ADA, variables={"customer_name": "Ada"})
    called(acme, BOB)
    called(acme, "+12125550100", variables={"name": "Zoe"})
    called(acme, "+12125550101", variables={"name": "Nobody"}, simulated=True)
    saved(acme, "+12125550100", notes="alpha")
    saved(acme, "+12125550109", display_name="Never called")
    assert counted(started(acme)) == (BackfillStatus.RUNNING, 0, 0, 0)
    job = finished(acme)
    assert counted(job) == (BackfillStatus.COMPLETED, 3, 2, 1)
    assert job.completed_at == clock.now_iso()
    assert names(acme) == ["Ada", "Never called", "Zoe", None]
    assert [names(acme, text) for text in ("ada", "0018", "alpha", "zoe")] == [["Ada"], [None], ["Zoe"], ["Zoe"]]


def test_a_name_that_a_person_gave_stays(acme: Tenant) -> None:
    saved(acme, display_name="Countess")
    called(acme, ADA, variables={"name": "Ada"})
    started(acme)
    assert counted(finished(acme)) == (BackfillStatus.COMPLETED, 1, 0, 0)
    assert names(acme) == ["Countess"]


def test_a_second_start_joins_the_first_and_a_later_one_begins_anew(acme: Tenant) -> None:
    called(acme, ADA)
    first = started(acme)
    assert started(acme).id == first.id
    finished(acme)
    called(acme, BOB)
    again = started(acme)
    assert again.id != first.id
    assert counted(finished(acme)) == (BackfillStatus.COMPLETED, 2, 1, 0)
    assert len(told(acme, "contacts.backfill_started")) == 2


def test_an_organization_without_calls_is_done_at_once(acme: Tenant) -> None:
    with pytest.raises(NotFound):
        backfill.get_backfill(acme.org_id)
    started(acme)
    assert counted(finished(acme)) == (BackfillStatus.COMPLETED, 0, 0, 0)
    with pytest.raises(NotFound):
        backfill.get_backfill(tenant("other").org_id)


def test_a_request_that_is_made_again_starts_nothing_again(acme: Tenant) -> None:
    effect = IdempotencyKey(scope=acme.org_id, key="1", fingerprint="same")
    first = backfill.start_backfill(acme.caller(master=True), effect)
    finished(acme)
    assert backfill.start_backfill(acme.caller(master=True), effect).id == first.id
    assert len(told(acme, "contacts.backfill_started")) == 1


def test_a_long_history_is_walked_through_in_many_transactions_and_many_jobs(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "_NUMBERS_PER_PAGE", 4)
    monkeypatch.setattr(backfill, "_MAX_CONTACT_WRITES", 20)
    monkeypatch.setattr(backfill, "_STEPS_PER_JOB", 2)
    for number in range(11):
        called(acme, f"+141555501{number:02}", variables={"name": f"Ada {number:02}"})
    started(acme)
    job = finished(acme)
    assert counted(job) == (BackfillStatus.COMPLETED, 11, 11, 0)
    assert job.step > 5
    assert names(acme, "ada", 3).count(None) == 0
    assert sorted(str(name) for name in names(acme)) == [f"Ada {number:02}" for number in range(11)]
    (ended,) = told(acme, "contacts.backfill_completed")
    assert ended == {"scanned": {"N": "11"}, "created": {"N": "11"}, "updated": {"N": "0"}}
    made = [one["S"] for data in told(acme, "contacts.backfilled") for one in data["created"]["L"]]
    assert sorted(made) == sorted(service.contact_id(acme.org_id, f"+141555501{number:02}") for number in range(11))


def test_a_name_of_many_words_is_found_by_all_of_them(acme: Tenant) -> None:
    words = [f"w{number:02}" for number in range(40)]
    called(acme, ADA, variables={"name": " ".join(words)})
    started(acme)
    finished(acme)
    assert all(len(names(acme, word)) == 1 for word in words)


def test_a_backfill_whose_message_was_lost_goes_on_when_somebody_asks_for_it(
    acme: Tenant, frozen: clock.FrozenClock
) -> None:
    called(acme, ADA)
    job = started(acme)
    frozen.advance(minutes=9)
    assert started(acme) == job
    frozen.advance(minutes=2)
    assert started(acme).id == job.id
    run_tick()
    run_worker("workers/contacts")
    assert counted(backfill.get_backfill(acme.org_id)) == (BackfillStatus.COMPLETED, 1, 1, 0)


def test_an_event_of_one_backfill_does_nothing_for_the_next(acme: Tenant) -> None:
    called(acme, ADA)
    first = started(acme)
    finished(acme)
    second = started(acme)
    backfill.run_next_steps(acme.org_id, first.id)
    assert backfill.get_backfill(acme.org_id) == second
