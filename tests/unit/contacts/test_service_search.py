"""Search finds each contact that has all the words, once on all pages, and none by its former words."""

from __future__ import annotations

from random import Random

import pytest

from switchboard.aws.reads import Query
from switchboard.contacts import service
from switchboard.contacts.models import MAX_HEAD_TOKENS, Contact
from switchboard.kit import clock
from switchboard.search import index
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage, scan_items
from tests.unit.contacts.book import index_notes, list_names, list_pages, save_contact

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.mark.parametrize(
    "text",
    ["ada", "LOVE", "lovelace ada", "pat", "ada patient", "0142", "(415) 555", "+14155550142 ada", "noon", "ada noon"],
)
def test_a_contact_is_found_by_words_of_any_field(acme: Tenant, text: str) -> None:
    index_notes(
        save_contact(acme, display_name="Ada Lovelace", role="Patient", notes="Call after noon.", email="x@example.com")
    )
    save_contact(acme, "+12125550100", display_name="Bob")
    assert list_names(acme, text) == ["Ada Lovelace"]


@pytest.mark.parametrize("text", ["da", "bob", "ada bob", "415 556", "example", "!!"])
def test_a_contact_is_not_found_by_other_words(acme: Tenant, text: str) -> None:
    index_notes(
        save_contact(acme, display_name="Ada Lovelace", role="Patient", notes="Call after noon.", email="x@example.com")
    )
    assert list_names(acme, text) == []


def test_a_contact_is_found_by_its_current_words_only(acme: Tenant) -> None:
    index_notes(save_contact(acme, display_name="Ada", notes="alpha"))
    save_contact(acme, display_name="Countess", notes="beta")
    assert [list_names(acme, text) for text in ("ada", "countess", "alpha", "beta")] == [[], ["Countess"], [], []]
    contact = index_notes(save_contact(acme))
    assert [list_names(acme, text) for text in ("alpha", "beta")] == [[], ["Countess"]]
    service.delete_contact(acme.caller(master=True), contact.id)
    assert [list_names(acme, text) for text in ("countess", "beta", "0142")] == [[], [], []]


def test_a_contact_that_matches_by_many_tokens_is_listed_once_on_all_pages(acme: Tenant) -> None:
    for number in range(4):
        name, notes = f"Anna Ann{number} Anton", "an and any analyst answers"
        index_notes(save_contact(acme, f"+1415555010{number}", display_name=name, role="Analyst", notes=notes))
    index_notes(save_contact(acme, "+14155550109", display_name="Zoe", notes="an and anon"))
    for limit in (1, 2, 3, 50):
        found = list_names(acme, "an", limit)
        assert sorted(str(name) for name in found) == [*(f"Anna Ann{n} Anton" for n in range(4)), "Zoe"]
        assert len(list_names(acme, "1 415", limit)) == 5


def test_notes_find_a_contact_once_before_and_after_they_are_indexed(acme: Tenant) -> None:
    save_contact(acme, display_name="Ada", notes="adagio advice")
    assert list_names(acme, "ad") == ["Ada"]
    index_notes(save_contact(acme, display_name=None))
    assert list_names(acme, "ad") == [None]
    save_contact(acme, display_name="Advent")
    assert list_names(acme, "ad") == ["Advent"]


def test_more_words_narrow_the_search(acme: Tenant) -> None:
    for number in range(30):
        save_contact(acme, f"+141555501{number:02}", display_name=f"Smithson{number} Ann")
    save_contact(acme, "+14155550199", display_name="Smith Zed")
    for text in ("z smith", "smith zed 0199"):
        page, cursor = service.list_contacts(acme.org_id, text, 1, None)
        assert ([one.contact.display_name for one in page], cursor) == (["Smith Zed"], None)


def test_a_page_of_very_common_words_may_be_short_without_being_the_last(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_ENTRIES_PER_WORD", 5)
    for number in range(7):
        save_contact(acme, f"+1415555010{number}", display_name=f"Smith{number} Zoe{number}")
    save_contact(acme, "+14155550109", display_name="Smith9 Ann")
    for number in range(6):
        save_contact(acme, f"+1212555010{number}", display_name=f"Jones Ann{number}")
    page, cursor = service.list_contacts(acme.org_id, "ann smith", 2, None)
    assert (page, cursor is not None) == ([], True)
    assert list_names(acme, "ann smith", 2) == ["Smith9 Ann"]


def test_all_pages_together_list_each_match_once(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    chance, syllables = Random(7), ("an", "ana", "bo", "bob", "cy")
    book = {}
    for number in range(10):
        name, role, notes = (" ".join(chance.choices(syllables, k=chance.randint(1, 3))) for _ in range(3))
        contact = index_notes(
            save_contact(acme, f"+141555501{number:02}", display_name=f"{name} {number}", role=role, notes=notes)
        )
        book[contact.display_name] = f"{name} {role} {notes}".split()
    for at_once in (3, 1_000):
        monkeypatch.setattr(index, "_ENTRIES_PER_WORD", at_once)
        for text in ("an", "b a", "cy an bob", "ana bob cy an"):
            wanted = [
                name
                for name, words in book.items()
                if all(any(one.startswith(word) for one in words) for word in text.split())
            ]
            for limit in (2, 50):
                assert sorted(map(str, list_names(acme, text, limit))) == sorted(map(str, wanted)), (
                    text,
                    limit,
                    at_once,
                )


def test_a_cursor_works_for_the_same_words_in_another_order(acme: Tenant) -> None:
    for number in range(3):
        save_contact(acme, f"+1415555010{number}", display_name="aaaa bbbb cccc dddd")
    first, cursor = service.list_contacts(acme.org_id, "aaaa bbbb cccc dddd", 1, None)
    second, cursor = service.list_contacts(acme.org_id, "dddd cccc bbbb aaaa", 1, cursor)
    third, cursor = service.list_contacts(acme.org_id, "cccc aaaa dddd bbbb", 1, cursor)
    assert len({known.contact.id for known in first + second + third}) == 3


def test_words_beyond_the_limit_of_a_contact_are_found_with_the_notes(acme: Tenant) -> None:
    words = [f"w{number:02}" for number in range(60)]
    contact = index_notes(save_contact(acme, display_name=" ".join(words[:40]), role=" ".join(words[35:])))
    assert len(contact.terms) == MAX_HEAD_TOKENS
    assert all(len(list_names(acme, word)) == 1 for word in words)


def test_an_empty_text_lists_all_and_a_text_of_symbols_finds_none(acme: Tenant) -> None:
    save_contact(acme, display_name="Ada")
    assert (list_names(acme, " "), list_names(acme, "…")) == (["Ada"], [])


def list_entries(contact: Contact) -> set[tuple[str, str]]:
    """Returns the token and the part of each stored entry."""
    keys = [item["sk"]["S"].split("#") for item in scan_items("core") if "#find#contact#" in item["pk"]["S"]]
    return {(token, part) for token, subject_id, part in keys if subject_id == contact.id}


def test_the_index_holds_only_current_words(acme: Tenant) -> None:
    save_contact(acme, display_name="Ada", notes="alpha beta")
    index_notes(save_contact(acme))
    contact = index_notes(save_contact(acme, display_name="Ada King", role="Countess", notes="beta gamma"))
    assert list_entries(contact) == {(token, "head") for token in contact.terms} | {("beta", "tail"), ("gamma", "tail")}
    service.delete_contact(acme.caller(master=True), contact.id)
    index_notes(contact)
    assert list_entries(contact) == set()
    assert not list(Query(table="core", partition=f"{acme.org_id}#tail#contact").read_all())


def test_a_page_of_a_search_always_takes_two_round_trips(acme: Tenant) -> None:
    for number in range(3):
        index_notes(save_contact(acme, f"+1415555010{number}", display_name=f"Ada {number}", notes="alpha"))
    saboteur = Sabotage()
    for text in (None, "ada", "alpha", "0100"):
        with saboteur.counting() as calls:
            service.list_contacts(acme.org_id, text, 50, None)
        assert calls == ["Query", "BatchGetItem"], text
    with saboteur.counting() as calls:
        service.list_contacts(acme.org_id, "ada 0100 alpha a", 50, None)
    assert sorted(calls) == ["BatchGetItem", "Query", "Query", "Query"]  # the queries of one kind run in parallel
    with saboteur.counting() as calls:
        contact = save_contact(acme, role="Patient")
    assert calls == ["BatchGetItem", "TransactWriteItems"]
    with saboteur.counting() as calls:
        service.update_contact(acme.caller(master=True), contact.id, {"role": "Doctor"})
    assert calls == ["BatchGetItem", "TransactWriteItems"]


def test_a_hundred_contacts_per_page_are_read_in_two_batches(acme: Tenant) -> None:
    for number in range(60):
        save_contact(acme, f"+141555501{number:02}", display_name="Ada")
    assert len(service.list_contacts(acme.org_id, "ada", 100, None)[0]) == 60
    assert len(service.list_contacts(acme.org_id, None, 100, None)[0]) == 60
    assert [len(page) for page in list_pages(acme, "ada", 25)] == [25, 25, 10]
