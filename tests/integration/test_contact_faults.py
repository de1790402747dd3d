"""Rule 3 for contacts: whoever is killed or overtaken, the index has what they have, and a backfill makes each once."""

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
from tests.integration.sabotage import Sabotage, Stream, drain, everything, work
from tests.integration.test_concurrency import at_once
from tests.unit.contacts.book import ADA, index_notes, list_names, record_call, save_contact

OLD, NEW, NEXT = "alpha beta gamma", "beta delta", "gamma epsilon"


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    timer_store.advance_watermark(clock.now_iso()[:16])
    # So that there are places to be killed between.
    monkeypatch.setattr(tail, "_ENTRIES_PER_COMMIT", 1)
    return tenant()


def tails(org_id: str) -> dict[str, set[str]]:
    """The tokens of the tail's entries that there are, by contact."""
    found: dict[str, set[str]] = {}
    for item in everything("core"):
        if item["pk"]["S"].startswith(f"{org_id}#find#contact#"):
            token, contact_id, part = item["sk"]["S"].split("#")
            if part == "tail":
                found.setdefault(contact_id, set()).add(token)
    return found


def changed(contact: Contact, event: str = "contact.updated") -> None:
    """Bring the job of a change."""
    queues.send_messages([IndexContacts(org_id=contact.org_id, contact_ids=[contact.id]).message()])


def delete(acme: Tenant, contact: Contact) -> None:
    service.delete_contact(acme.caller(master=True), contact.id)


def renewed(acme: Tenant) -> Contact:
    """A contact whose notes were indexed, and then changed."""
    index_notes(save_contact(acme, notes=OLD))
    return save_contact(acme, notes=NEW)


def steps(contact: Contact, saboteur: Sabotage) -> int:
    """How many AWS calls it takes to index its change."""
    with saboteur.counting() as calls:
        indexing.update_tails(contact.org_id, [contact.id])
    return len(calls)


# --- killed -----------------------------------------------------------------------------------------------------


def test_an_indexer_killed_anywhere_leaves_nothing_that_its_job_does_not_mend(acme: Tenant) -> None:
    contact, saboteur = renewed(acme), Sabotage()
    for done in range(steps(contact, saboteur)):
        contact = renewed(acme)
        changed(contact)
        with saboteur.killing(after=done):
            work("workers/contacts")
        work("workers/contacts")  # the queue brings the job again
        assert tails(acme.org_id) == {contact.id: {"beta", "delta"}}, done


@pytest.mark.parametrize("then", ["changed", "deleted", "made anew"])
def test_a_change_after_an_indexer_was_killed_leaves_nothing_of_the_one_before(acme: Tenant, then: str) -> None:
    contact, saboteur = renewed(acme), Sabotage()
    for done in range(steps(contact, saboteur)):
        contact = renewed(acme)
        with saboteur.killing(after=done):
            indexing.update_tails(contact.org_id, [contact.id])
        if then != "changed":
            delete(acme, contact)
        if then != "deleted":
            save_contact(acme, notes=NEXT)
        changed(contact)
        changed(contact)  # the killed one's
        work("workers/contacts")
        assert tails(acme.org_id).get(contact.id, set()) == (set() if then == "deleted" else {"gamma", "epsilon"}), done


# --- overtaken --------------------------------------------------------------------------------------------------


class Meanwhile:
    """Does something else between two AWS calls of this process, as another one would; then `left` is negative."""

    def __init__(self) -> None:
        self.left = -1
        self._act: Callable[[], Any] = lambda: None
        for client in (clients.dynamodb_client(), clients.dynamodb_client_without_retries(), clients.get_client("sqs")):
            client.meta.events.register_first("before-call", self._called)

    def before(self, call: int, act: Callable[[], Any]) -> None:
        """Do it once, before the call of that number from now on."""
        self.left, self._act = call, act

    def _called(self, **_: Any) -> None:
        self.left -= 1
        if self.left == -1:
            self._act()


def jobs_of(contact: Contact) -> None:
    """Let a worker do the change's job, as often as the queue would bring it."""
    for _ in range(5):
        try:
            indexing.update_tails(contact.org_id, [contact.id])
        except Contended:
            continue
        return
    raise AssertionError("the job goes to the dead-letter queue")


@pytest.mark.parametrize("then", ["nothing", "changed", "deleted", "made anew"])
def test_two_indexers_of_one_contact_leave_what_it_has(acme: Tenant, then: str) -> None:
    wanted = {"nothing": {"beta", "delta"}, "deleted": set()}.get(then, {"gamma", "epsilon"})
    contact, meanwhile = renewed(acme), Meanwhile()

    def overtake() -> None:
        if then in ("deleted", "made anew"):
            delete(acme, contact)
        if then in ("changed", "made anew"):
            save_contact(acme, notes=NEXT)
        jobs_of(contact)

    for call in count():
        contact = renewed(acme)
        meanwhile.before(call, overtake)
        jobs_of(contact)
        if meanwhile.left >= 0:
            break  # it was through
        assert tails(acme.org_id).get(contact.id, set()) == wanted, call
    assert call > 6


def test_an_indexer_of_a_deletion_forgets_nothing_of_a_contact_that_came_and_went(acme: Tenant) -> None:
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
            break  # it was through
        jobs_of(contact)  # the second deletion's
        assert tails(acme.org_id) == {}, call
    assert call > 4


@pytest.mark.usefixtures("engine_cloud")
def test_changes_and_indexers_at_once_lose_nothing_and_leave_nothing() -> None:
    acme = tenant()
    caller = acme.caller(master=True)
    fields = ("display_name", "role", "email")

    def change(number: int) -> Contact:
        known = service.upsert_contact(
            caller, ADA, {fields[number % 3]: f"a{number}@example.com", "notes": f"n{number} same"}
        )
        jobs_of(known.contact)
        return known.contact

    changed = at_once([lambda number=number: change(number) for number in range(6)])
    assert {type(one) for one in changed} == {Contact}
    ((contact,),) = (
        [known.contact for known in page] for page in [service.list_contacts(acme.org_id, None, 9, None)[0]]
    )
    assert all(getattr(contact, field) for field in fields), "nobody's field was lost"
    assert tails(acme.org_id) == {contact.id: contact.tail()}
    assert len(list_names(acme, "same")) == 1


# --- the backfill -----------------------------------------------------------------------------------------------


@pytest.fixture
def history(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Numbers that were called, a job's work and more."""
    monkeypatch.setattr(backfill, "_NUMBERS_PER_PAGE", 1)
    monkeypatch.setattr(backfill, "_STEPS_PER_JOB", 2)
    numbers = [f"+1415555010{number}" for number in range(3)]
    for number in numbers:
        record_call(acme, number, variables={"name": f"Ada {number[-1]}"})
    return numbers


def made(acme: Tenant) -> list[str]:
    """The ids of the contacts that the events of backfills tell of."""
    found = (item for item in everything("activity") if item.get("type") == {"S": "contacts.backfilled"})
    return [one["S"] for item in found for one in item["data"]["M"]["created"]["L"]]


def test_a_backfill_killed_anywhere_makes_each_contact_once(acme: Tenant, history: list[str]) -> None:
    saboteur, stream, caller = Sabotage(), Stream(), acme.caller(master=True)
    wanted = [service.contact_id(acme.org_id, number) for number in history]
    for done in count():
        job = backfill.start_backfill(caller)
        stream.hand_on()
        drain("contacts")  # what the round before left
        queues.send_messages([ContinueBackfill(org_id=acme.org_id, backfill_id=job.id).message()])
        finished = False
        with saboteur.killing(after=done):
            work("workers/contacts", at_most=1)
            finished = True
        if finished:
            break
        while work("workers/contacts"):
            stream.hand_on()
        job = backfill.get_backfill(acme.org_id)
        assert (job.status, job.scanned, job.created) == (BackfillStatus.COMPLETED, 3, 3), done
        for contact_id in wanted:
            service.delete_contact(caller, contact_id)
    assert done > 6
    # The last round's first two are made, too.
    assert sorted(Counter(made(acme)).values()) == [done, done + 1, done + 1]


def test_a_backfill_and_a_person_at_the_same_contact_both_have_their_way(acme: Tenant, history: list[str]) -> None:
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
def test_many_starts_and_many_workers_are_one_backfill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "_NUMBERS_PER_PAGE", 2)
    acme = tenant()
    numbers = [f"+141555501{number:02}" for number in range(12)]
    for number in numbers:
        record_call(acme, number)
    caller = acme.caller(master=True)
    started = at_once([lambda: backfill.start_backfill(caller)] * 4)
    (job_id,) = {getattr(one, "id", one) for one in started}
    at_once([lambda: backfill.run_next_steps(acme.org_id, str(job_id))] * 4)
    job = backfill.get_backfill(acme.org_id)
    assert (job.status, job.scanned, job.created) == (BackfillStatus.COMPLETED, 12, 12)
    assert sorted(made(acme)) == sorted(service.contact_id(acme.org_id, number) for number in numbers)
