"""Contacts: one for each number, changed field by field, listed by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from switchboard.aws.dynamodb import Item
from switchboard.aws.reads import Query
from switchboard.contacts import service, store
from switchboard.errors import Conflict, Invalid, NotFound
from switchboard.events import service as events
from switchboard.kit import clock
from switchboard.persistence.idempotency import IdempotencyKey
from tests.actors import Tenant, tenant
from tests.unit.contacts.book import ADA, BOB, list_names, list_pages, record_call, save_contact

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


def list_events(acme: Tenant) -> list[events.Event]:
    items = Query(table="activity", partition=events.workflow_partition(acme.org_id, "corr_test")).read_all()
    return [event for event in map(events.parse_event, items) if event.type.startswith("contact.")]


def test_a_number_has_one_contact_whose_other_fields_stay(acme: Tenant, frozen: clock.FrozenClock) -> None:
    first = save_contact(acme, display_name="  Ada ", role="Patient", email="ada@EXAMPLE.com", notes="\n")
    frozen.advance(minutes=1)
    after = save_contact(acme, role=None, notes="Call late.")
    assert (after.id, after.created_at) == (first.id, first.created_at)
    assert (after.display_name, after.role, after.email) == ("Ada", None, "ada@example.com")
    assert (first.notes, after.notes) == (None, "Call late.")
    assert after.updated_at > first.updated_at
    assert list_names(acme) == ["Ada"]


def test_a_change_event_holds_only_ids_and_field_names(acme: Tenant) -> None:
    contact = save_contact(acme, display_name="Ada", notes="secret")
    save_contact(acme, display_name="Ada", notes="other")
    save_contact(acme, notes="other")
    service.delete_contact(acme.caller(master=True), contact.id)
    found = list_events(acme)
    assert [(event.type, event.subject.id, event.data.get("fields")) for event in found] == [
        ("contact.created", contact.id, ["display_name", "notes"]),
        ("contact.updated", contact.id, ["notes"]),
        ("contact.deleted", contact.id, None),
    ]
    assert not any(word in event.model_dump_json() for event in found for word in ("Ada", "secret", "other", ADA[1:]))


def test_a_contact_is_changed_by_its_id_and_keeps_its_number(acme: Tenant) -> None:
    contact, origin = save_contact(acme, display_name="Ada"), acme.caller(master=True)
    known = service.update_contact(origin, contact.id, {"e164": ADA, "role": "Patient"})
    assert (known.contact.display_name, known.contact.role) == ("Ada", "Patient")
    with pytest.raises(Conflict) as refused:
        service.update_contact(origin, contact.id, {"e164": BOB})
    assert refused.value.code == "contact_number_fixed"


@pytest.mark.parametrize(
    ("changes", "field"), [({"e164": "555"}, "e164"), ({"email": "nobody"}, "email"), ({"email": "ä@b.de"}, "email")]
)
def test_an_invalid_number_or_address_is_refused_by_field(acme: Tenant, changes: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        service.upsert_contact(acme.caller(master=True), changes.pop("e164", ADA), changes)
    assert list(refused.value.details["fields"]) == [field]
    assert list_names(acme) == []


@pytest.mark.parametrize("contact_id", ["con_", "con_" + "0" * 26, "", "x" * 2000])
def test_an_unknown_id_is_not_found(acme: Tenant, contact_id: str) -> None:
    with pytest.raises(NotFound):
        service.update_contact(acme.caller(master=True), contact_id, {"role": "Patient"})
    with pytest.raises(NotFound):
        service.delete_contact(acme.caller(master=True), contact_id)


def test_another_organization_cannot_read_a_contact(acme: Tenant) -> None:
    contact, other = save_contact(acme, display_name="Ada"), tenant("other")
    with pytest.raises(NotFound):
        service.update_contact(other.caller(master=True), contact.id, {"role": "Patient"})
    with pytest.raises(NotFound):
        service.delete_contact(other.caller(master=True), contact.id)
    assert (list_names(other), list_names(other, "ada"), list_names(other, ADA)) == ([], [], [])
    assert save_contact(other).id != contact.id
    assert (list_names(acme), list_names(other)) == (["Ada"], [None])


def build_idempotency_key(acme: Tenant, key: str) -> IdempotencyKey:
    return IdempotencyKey(scope=acme.org_id, key=key, fingerprint="same")


def test_a_repeated_request_changes_nothing_again(acme: Tenant) -> None:
    origin = acme.caller(master=True)
    service.upsert_contact(origin, ADA, {"display_name": "Ada"}, build_idempotency_key(acme, "1"))
    save_contact(acme, display_name="Countess")
    again = service.upsert_contact(origin, ADA, {"display_name": "Ada"}, build_idempotency_key(acme, "1")).contact
    assert again.display_name == "Countess"
    service.update_contact(origin, again.id, {"role": "Patient"}, build_idempotency_key(acme, "2"))
    save_contact(acme, role="Doctor")
    assert (
        service.update_contact(origin, again.id, {"role": "Patient"}, build_idempotency_key(acme, "2")).contact.role
        == "Doctor"
    )
    assert len(list_events(acme)) == 4


def test_a_repeated_deletion_deletes_once(acme: Tenant) -> None:
    origin, contact = acme.caller(master=True), save_contact(acme, display_name="Ada")
    service.delete_contact(origin, contact.id, build_idempotency_key(acme, "1"))
    service.delete_contact(origin, contact.id, build_idempotency_key(acme, "1"))
    with pytest.raises(NotFound):
        service.delete_contact(origin, contact.id)
    save_contact(acme, display_name="Ada again")
    service.delete_contact(origin, contact.id, build_idempotency_key(acme, "1"))
    assert list_names(acme) == ["Ada again"]


def test_contacts_are_listed_by_name_and_then_by_number_if_they_have_no_name(acme: Tenant) -> None:
    for number, name in enumerate(("zoe", None, "Émile", "Álvaro", "bob", None, "Zed", "éa", "山田")):
        save_contact(acme, f"+1415555010{8 - number}", display_name=name)
    found = [known.contact for page in list_pages(acme, limit=2) for known in page]
    assert [contact.display_name for contact in found[:7]] == ["Álvaro", "bob", "éa", "Émile", "Zed", "zoe", "山田"]
    assert [contact.e164[-1] for contact in found[7:]] == ["3", "7"]


def test_a_list_continues_at_its_place_while_contacts_are_added_and_removed(acme: Tenant) -> None:
    ids = [save_contact(acme, f"+1415555010{number}", display_name=f"{number}").id for number in range(6)]
    first, cursor = service.list_contacts(acme.org_id, None, 2, None)
    save_contact(acme, "+14155550199", display_name="00")
    save_contact(acme, "+14155550198", display_name="11")
    for gone in ids[:3]:
        service.delete_contact(acme.caller(master=True), gone)
    second, _ = service.list_contacts(acme.org_id, None, 10, cursor)
    assert [known.contact.display_name for known in first] == ["0", "1"]
    assert [known.contact.display_name for known in second] == ["11", "3", "4", "5"]


def test_a_cursor_works_for_its_own_list_only(acme: Tenant) -> None:
    for number in range(3):
        save_contact(acme, f"+1415555010{number}", display_name=f"Ada {number}")
    _, of_list = service.list_contacts(acme.org_id, None, 1, None)
    _, of_search = service.list_contacts(acme.org_id, "ada", 1, None)
    assert of_list
    assert of_search
    for text, cursor in ((None, of_search), ("ada", of_list), ("adb", of_search), (None, "nonsense")):
        with pytest.raises(Invalid):
            service.list_contacts(acme.org_id, text, 1, cursor)


def test_a_contact_shows_the_calls_of_its_number_including_earlier_ones(
    acme: Tenant, frozen: clock.FrozenClock
) -> None:
    record_call(acme, ADA)
    contact = save_contact(acme, display_name="Ada")
    frozen.advance(hours=1)
    record_call(acme, ADA)
    record_call(acme, ADA, simulated=True)
    record_call(acme, BOB, simulated=True)
    service.delete_contact(acme.caller(master=True), contact.id)
    known = service.upsert_contact(acme.caller(master=True), ADA, {"display_name": "Ada"})
    assert (known.history.calls, known.history.last_call_at) == (2, clock.now_iso())
    (listed,), (searched,) = list_pages(acme)[0], list_pages(acme, "ada")[0]
    assert listed.history == searched.history == known.history
    assert save_contact(acme, BOB)
    assert service.update_contact(acme.caller(master=True), service.contact_id(acme.org_id, BOB), {}).history.calls == 0


def test_a_refused_call_is_not_counted(acme: Tenant) -> None:
    with pytest.raises(Exception, match="do-not-call"):
        record_call(acme, "+15005550020")
    assert service.upsert_contact(acme.caller(master=True), "+15005550020", {}).history.calls == 0


def test_a_changed_contact_can_be_read_as_it_is_stored(acme: Tenant) -> None:
    contact = save_contact(acme, display_name="Ada", notes="x")
    assert store.get_contact(acme.org_id, contact.id) == contact


@pytest.fixture
def lagging(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """After the returned function is called, the index returns the items of that time, as it may for a while on AWS."""
    real = Query._send_query
    held: dict[Any, Any] = {}
    lags = False

    def read_snapshot(self: Query, limit: int | None, start: Item | None) -> Any:
        if not self.index:
            return real(self, limit, start)
        place = (self.partition, limit, str(start))
        if not lags or place not in held:
            held[place] = real(self, limit, start)
        return held[place]

    def start_lag() -> None:
        nonlocal lags
        lags = True

    monkeypatch.setattr(Query, "_send_query", read_snapshot)
    return start_lag


def test_the_list_shows_current_contacts_even_if_its_index_lags(acme: Tenant, lagging: Callable[[], None]) -> None:
    ada, ben, cid = (
        save_contact(acme, f"+1415555010{n}", display_name=name) for n, name in enumerate(("Ada", "Ben", "Cid"))
    )
    assert list_names(acme) == ["Ada", "Ben", "Cid"]
    service.list_contacts(acme.org_id, None, 50, None)
    lagging()
    master = acme.caller(master=True)
    service.update_contact(master, ada.id, {"role": "Nurse", "notes": "new"})
    service.delete_contact(master, ben.id)
    found, cursor = service.list_contacts(acme.org_id, None, 50, None)
    assert [(known.contact.id, known.contact.role, known.contact.notes) for known in found] == [
        (ada.id, "Nurse", "new"),
        (cid.id, None, None),
    ]
    assert cursor is None


def test_an_empty_page_has_a_cursor_to_the_next_page(acme: Tenant, lagging: Callable[[], None]) -> None:
    made = [save_contact(acme, f"+1415555010{n}", display_name=f"Ada {n}") for n in range(4)]
    service.list_contacts(acme.org_id, None, 2, None)
    lagging()
    for contact in made[:2]:
        service.delete_contact(acme.caller(master=True), contact.id)
    first, cursor = service.list_contacts(acme.org_id, None, 2, None)
    assert first == []
    rest, end = service.list_contacts(acme.org_id, None, 2, cursor)
    assert ([known.contact.id for known in rest], end) == ([made[2].id, made[3].id], None)
