"""The search of calls: common and rare words, whole numbers, and names that change or go."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from switchboard.call_records import candidates
from switchboard.calls import numbers, search_entries, words_projection
from switchboard.calls.models import Call
from switchboard.contacts import service as contacts
from switchboard.kit import clock
from switchboard.projections import service as projections
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, system, tenant
from tests.integration.sabotage import scan_items
from tests.unit.call_records.desk import ADA, BOB, Ask, ask_as, list_ids, save_call

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

SUMMARIES = ("Refund of an invoice", "Refunds are late", "A refund, again", "Nothing", "A refunded ticket 4155550142")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def ask(acme: Tenant) -> Ask:
    return ask_as(member(acme.org_id, Role.OPERATOR))


@pytest.fixture
def calls(acme: Tenant, frozen: clock.FrozenClock) -> list[Call]:
    """Twenty calls, the newest first, with the summaries in turn."""
    made = []
    for number in range(20):
        frozen.advance(minutes=1)
        summary = SUMMARIES[number % len(SUMMARIES)]
        made.append(save_call(acme.org_id, f"+1415555{number:04}", summary=summary))
    return made[::-1]


def ids_with(calls: list[Call], *parts: str) -> list[str]:
    return [call.id for call in calls if any(part in (call.summary or "").lower() for part in parts)]


def list_entries(acme: Tenant) -> list[str]:
    """Returns the sort keys of all entries in the search index of calls."""
    return [item["sk"]["S"] for item in scan_items("core") if item["pk"]["S"].startswith(f"{acme.org_id}#find#call#")]


@pytest.mark.parametrize("most", [1_000, 8, 1])
@pytest.mark.parametrize("limit", [1, 3, 50])
def test_a_word_finds_all_calls_once_and_the_newest_first_at_any_number_of_entries(
    ask: Ask, calls: list[Call], monkeypatch: pytest.MonkeyPatch, limit: int, most: int
) -> None:
    monkeypatch.setattr(search_entries, "_MAX_ENTRIES", most)
    monkeypatch.setattr("switchboard.persistence.page_cuts._MIN_LOOKED_AT", 4)
    assert list_ids(ask, "q=refund", limit) == ids_with(calls, "refund")
    assert list_ids(ask, "q=refunded", limit) == ids_with(calls, "refunded")
    assert list_ids(ask, "q=refund&direction=outbound", limit) == ids_with(calls, "refund")
    assert list_ids(ask, "q=refund%20invoice", limit) == ids_with(calls, "invoice")
    since, until = calls[12].created_at, calls[4].created_at
    within = [call for call in calls if since <= call.created_at < until]
    assert list_ids(ask, f"q=refund&since={since}&until={until}", limit) == ids_with(within, "refund")


@pytest.mark.parametrize("query", ["+1 (415) 555-0142", "+14155550142", "14155550142", "4155550142"])
def test_a_whole_number_finds_its_calls_and_the_summaries_that_name_it(
    acme: Tenant, ask: Ask, calls: list[Call], frozen: clock.FrozenClock, query: str
) -> None:
    frozen.advance(minutes=1)
    own = save_call(acme.org_id, "+14155550142")
    with_country = query.replace(" ", "").startswith(("+1", "1"))
    named = [] if with_country else ids_with(calls, "4155550142")
    assert list_ids(ask, f"q={quote(query)}", 2) == [own.id, *named]


def test_a_whole_number_needs_no_entry_of_the_index(acme: Tenant, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    call = save_call(acme.org_id, ADA)
    none = search_entries.FoundEntries([], [])
    monkeypatch.setattr(search_entries, "find_entries", lambda *_: none)
    assert list_ids(ask, f"q={quote(ADA)}") == [call.id]
    assert list_ids(ask, "q=4155550142") == []


@pytest.mark.parametrize("most", [16, 1])
def test_a_name_of_several_numbers_finds_the_calls_of_all(
    acme: Tenant, ask: Ask, calls: list[Call], monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(candidates, "_MAX_NUMBERS", most)
    for call in calls[3:12:3]:
        contacts.upsert_contact(system(acme.org_id), call.to_number, {"display_name": "Konrad Zuse"})
    assert list_ids(ask, "q=zuse", 2) == [call.id for call in calls[3:12:3]]


def test_the_entries_of_a_name_follow_its_changes_and_go_with_the_contact(acme: Tenant, ask: Ask) -> None:
    save_call(acme.org_id, BOB)
    before = list_entries(acme)
    bob = contacts.upsert_contact(system(acme.org_id), BOB, {"display_name": "Bob Noyce", "notes": "Likes tea"}).contact
    number_id = bob.id.removeprefix("con_")
    assert set(list_entries(acme)) - set(before) == {f"bob~{number_id}~name", f"noyce~{number_id}~name"}
    contacts.update_contact(system(acme.org_id), bob.id, {"display_name": "Robert Noyce"})
    assert set(list_entries(acme)) - set(before) == {f"noyce~{number_id}~name", f"robert~{number_id}~name"}
    contacts.delete_contact(system(acme.org_id), bob.id)
    assert list_entries(acme) == before


def test_clearing_the_words_leaves_the_entries_of_numbers(acme: Tenant, ask: Ask, calls: list[Call]) -> None:
    projections.clear_projection(acme.org_id, "call_words")
    assert list_ids(ask, "q=invoice") == []
    wanted = {f"{token}~" for call in calls for token in numbers.number_tokens(call.to_number)}
    found = list_entries(acme)
    assert all(any(entry.startswith(token) for entry in found) for token in wanted)
    assert not any("#" in entry for entry in found)
    assert words_projection.summary_items(calls[0])[0]["place"].startswith(f"{calls[0].created_at}#{calls[0].id}#")
