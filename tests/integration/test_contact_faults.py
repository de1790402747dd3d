"""Contacts under faults: after a kill or a race the index equals the contacts, and a backfill creates each contact
once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from switchboard.aws import clients, queues
from switchboard.contacts import backfill, indexing, service
from switchboard.contacts.jobs import ContinueBackfill, IndexContacts
from switchboard.contacts.models import BackfillStatus, Contact
from switchboard.errors import Contended
from switchboard.kit import clock
from switchboard.search import tail
from switchboard.timers import store as timer_store
from tests.actors import Tenant, tenant
from tests.integration.concurrency.conftest import run_together
from tests.integration.sabotage import Sabotage, Stream, drain_queue, run_worker, scan_items
from tests.unit.contacts.book import ADA, index_notes, list_names, record_call, save_contact

OLD, NEW, NEXT = "alpha beta gamma", "beta delta", "gamma epsilon"


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    timer_store.advance_watermark(clock.now_iso()[:16])
    # Small batches give more points to be killed at.
    monkeypatch.setattr(tail, "_ENTRIES_PER_COMMIT", 1)
    return tenant()


def list_tail_entries(org_id: str) -> dict[str, set[str]]:
    """The tokens of the existing index entries, by contact."""
    found: dict[str, set[str]] = {}
    for item in scan_items("core"):
        if item["pk"]["S"].startswith(f"{org_id}#find#contact#"):
            token, contact_id, part = item["sk"]["S"].split("#")
            if part == "tail":
                found.setdefault(contact_id, set()).add(token)
    return found


def index_change(contact: Contact, event: str = "contact.updated") -> None:
    """Run the indexing job of a change."""
    queues.send_messages([IndexContacts(org_id=contact.org_id, contact_ids=[contact.id]).to_message()])


def delete(acme: Tenant, contact: Contact) -> None:
    service.delete_contact(acme.caller(master=True), contact.id)


def change_indexed_contact(acme: Tenant) -> Contact:
    """A contact whose notes were indexed and then changed."""
    index_notes(save_contact(acme, notes=OLD))
    return save_contact(acme, notes=NEW)


def count_steps(contact: Contact, saboteur: Sabotage) -> int:
    """The number of AWS calls that index its change."""
    with saboteur.counting() as calls:
        indexing.update_tails(contact.org_id, [contact.id])
    return len(calls)


def test_a_retry_repairs_the_index_after_a_kill_anywhere(acme: Tenant) -> None:
    contact, saboteur = change_indexed_contact(acme), Sabotage()
    for done in range(count_steps(contact, saboteur)):
        contact = change_indexed_contact(acme)
        index_change(contact)
        with saboteur.killing(after=done):
            run_worker("workers/contacts")
        run_worker("workers/contacts")  # the queue brings the job again
        assert list_tail_entries(acme.org_id) == {contact.id: {"beta", "delta"}}, done


@pytest.mark.parametrize("then", ["changed", "deleted", "made anew"])
def test_a_later_change_removes_entries_of_a_killed_indexer(acme: Tenant, then: str) -> None:
    contact, saboteur = change_indexed_contact(acme), Sabotage()
    for done in range(count_steps(contact, saboteur)):
        contact = change_indexed_contact(acme)
        with saboteur.killing(after=done):
            indexing.update_tails(contact.org_id, [contact.id])
        if then != "changed":
            delete(acme, contact)
        if then != "deleted":
            save_contact(acme, notes=NEXT)
        index_change(contact)
        index_change(contact)  # the job of the killed worker
        run_worker("workers/contacts")
        assert list_tail_entries(acme.org_id).get(contact.id, set()) == (
            set() if then == "deleted" else {"gamma", "epsilon"}
        ), done


class Meanwhile:
    """Lets another actor run between two AWS calls of this process. `left` is negative afterwards."""

    def __init__(self) -> None:
        self.left = -1
        self._act: Callable[[], Any] = lambda: None
        for client in (clients.dynamodb_client(), clients.dynamodb_client_without_retries(), clients.get_client("sqs")):
            client.meta.events.register_first("before-call", self._called)

    def before(self, call: int, act: Callable[[], Any]) -> None:
        """Run the action once, before the call of that number."""
        self.left, self._act = call, act

    def _called(self, **_: Any) -> None:
        self.left -= 1
        if self.left == -1:
            self._act()


def jobs_of(contact: Contact) -> None:
    """Let a worker process the change's job as often as the queue brings it."""
    for _ in range(5):
        try:
            indexing.update_tails(contact.org_id, [contact.id])
        except Contended:
            continue
        return
    raise AssertionError("the job goes to the dead-letter queue")


@pytest.mark.parametrize("then", ["nothing", "changed", "deleted", "made anew"])
def test_two_indexers_of_one_contact_leave_the_correct_entries(acme: Tenant, then: str) -> None:
    wanted = {"nothing": {"beta", "delta"}, "deleted": set()}.get(then, {"gamma", "epsilon"})
    contact, meanwhile = change_indexed_contact(acme), Meanwhile()

    def overtake() -> None:
        if then in ("deleted", "made anew"):
            delete(acme, contact)
        if then in ("changed", "made anew"):
            save_contact(acme, notes=NEXT)
        jobs_of(contact)

    for call in count():
        contact = change_indexed_contact(acme)
        meanwhile.before(call, overtake)
        jobs_of(contact)
        if meanwhile.left >= 0:
            break  # the other indexer ran
        assert list_tail_entries(acme.org_id).get(contact.id, set()) == wanted, call
    assert call > 6


def test_indexing_a_deletion_removes_entries_of_a_contact_that_was_created_again(acme: Tenant) -> None:
    meanwhile = Meanwhile()
    contact = index_notes(save_contact(acme, notes=OLD))

    def come_and_go() -> None:
        jobs_of(save_contact(acme, notes=NEXT))
        delete(acme, contact)

    for call in count():
        index_notes(save_contact(acme, notes=OLD))
        delete(acme, contact)
        meanwhile.before(call, come_and_go)
        jobs_of(contact)
        if meanwhile.left >= 0:
            break  # the other change ran
        jobs_of(contact)  # the job of the second deletion
        assert list_tail_entries(acme.org_id) == {}, call
    assert call > 4


@pytest.mark.usefixtures("engine_cloud")
def test_concurrent_changes_and_indexers_leave_exactly_the_correct_entries() -> None:
    acme = tenant()
    caller = acme.caller(master=True)
    fields = ("display_name", "role", "email")

    def change(number: int) -> Contact:
        known = service.upsert_contact(
            caller, ADA, {fields[number % 3]: f"a{number}@example.com", "notes": f"n{number} same"}
        )
        jobs_of(known.contact)
        return known.contact

    changed = run_together([lambda number=number: change(number) for number in range(6)])
    assert {type(one) for one in changed} == {Contact}
    ((contact,),) = (
        [known.contact for known in page] for page in [service.list_contacts(acme.org_id, None, 9, None)[0]]
    )
    assert all(getattr(contact, field) for field in fields), "no field was lost"
    assert list_tail_entries(acme.org_id) == {contact.id: contact.tail_tokens()}
    assert len(list_names(acme, "same")) == 1


@pytest.fixture
def history(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Called numbers: more than one job processes."""
    monkeypatch.setattr(backfill, "_NUMBERS_PER_PAGE", 1)
    monkeypatch.setattr(backfill, "_STEPS_PER_JOB", 2)
    numbers = [f"+1415555010{number}" for number in range(3)]
    for number in numbers:
        record_call(acme, number, variables={"name": f"Ada {number[-1]}"})
    return numbers


def list_backfilled_ids(acme: Tenant) -> list[str]:
    """The contact ids in the events of backfills."""
    found = (item for item in scan_items("activity") if item.get("type") == {"S": "contacts.backfilled"})
    return [one["S"] for item in found for one in item["data"]["M"]["created"]["L"]]


def test_a_backfill_killed_anywhere_makes_each_contact_once(acme: Tenant, history: list[str]) -> None:
    saboteur, stream, caller = Sabotage(), Stream(), acme.caller(master=True)
    wanted = [service.contact_id(acme.org_id, number) for number in history]
    for done in count():
        job = backfill.start_backfill(caller)
        stream.hand_on()
        drain_queue("contacts")  # results of the previous round
        queues.send_messages([ContinueBackfill(org_id=acme.org_id, backfill_id=job.id).to_message()])
        finished = False
        with saboteur.killing(after=done):
            run_worker("workers/contacts", at_most=1)
            finished = True
        if finished:
            break
        while run_worker("workers/contacts"):
            stream.hand_on()
        job = backfill.get_backfill(acme.org_id)
        assert (job.status, job.scanned, job.created) == (BackfillStatus.COMPLETED, 3, 3), done
        for contact_id in wanted:
            service.delete_contact(caller, contact_id)
    assert done > 6
    # The first two of the last round count, too.
    assert sorted(Counter(list_backfilled_ids(acme)).values()) == [done, done + 1, done + 1]


def test_a_backfill_keeps_the_concurrent_change_of_a_person(acme: Tenant, history: list[str]) -> None:
    meanwhile = Meanwhile()
    for call in range(1, 6):
        job = backfill.start_backfill(acme.caller(master=True))
        meanwhile.before(call, lambda: [save_contact(acme, number, role="Patient") for number in history])
        for _ in range(4):
            backfill.run_next_steps(acme.org_id, job.id)
        contacts = [known.contact for known in service.list_contacts(acme.org_id, None, 9, None)[0]]
        assert [contact.display_name for contact in contacts] == [f"Ada {number}" for number in range(3)], call
        assert {contact.role for contact in contacts} == {"Patient"}, call
        for contact in contacts:
            delete(acme, contact)


@pytest.mark.usefixtures("engine_cloud")
def test_concurrent_starts_and_workers_make_one_backfill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "_NUMBERS_PER_PAGE", 2)
    acme = tenant()
    numbers = [f"+141555501{number:02}" for number in range(12)]
    for number in numbers:
        record_call(acme, number)
    caller = acme.caller(master=True)
    started = run_together([lambda: backfill.start_backfill(caller)] * 4)
    (job_id,) = {getattr(one, "id", one) for one in started}
    run_together([lambda: backfill.run_next_steps(acme.org_id, str(job_id))] * 4)
    job = backfill.get_backfill(acme.org_id)
    assert (job.status, job.scanned, job.created) == (BackfillStatus.COMPLETED, 12, 12)
    assert sorted(list_backfilled_ids(acme)) == sorted(service.contact_id(acme.org_id, number) for number in numbers)
