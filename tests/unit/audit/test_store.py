"""Reading the chain: whole, page by page, and whatever is sealed meanwhile."""

from __future__ import annotations

import pytest

from switchboard.audit import chain, store
from switchboard.audit import service as audit
from switchboard.aws.table import commit
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, Work

pytestmark = pytest.mark.usefixtures("cloud")

WORK = Work(org_id="org_1", actor=Actor(type="system", id="test"), agent_id=None, correlation_id="corr_1")
ORG = Subject(type="organization", id="org_1")


def recorded(number: int, slug: str = "acme") -> list[events.Event]:
    made = [events.of(WORK, "organization.created", ORG, plan="free", slug=slug) for _ in range(number)]
    made.sort(key=lambda event: event.id)
    for start in range(0, number, 50):
        commit(events.record(event) for event in made[start : start + 50])
    return made


def pages(limit: int) -> list[list[store.Placed]]:
    found, start = [], None
    while not found or start:
        placed, start = store.workflow("org_1", "corr_1", limit, start)
        found.append(placed)
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 20])
@pytest.mark.parametrize("sealed", [0, 1, 3, 5])
def test_every_event_of_a_workflow_is_on_one_page_with_its_seal(limit: int, sealed: int) -> None:
    made = recorded(5)
    audit.seal("org_1", made[:sealed])
    found = pages(limit)
    assert all(len(page) <= limit for page in found)
    placed = [one for page in found for one in page]
    assert [one.event for one in placed] == made
    assert [one.document["seq"] if one.document else None for one in placed] == [*range(1, sealed + 1)] + [None] * (
        5 - sealed
    )


def test_an_event_that_is_sealed_between_two_pages_is_shown_once() -> None:
    made = recorded(3)
    first, start = store.workflow("org_1", "corr_1", 1, None)
    audit.seal("org_1", made)
    rest, end = store.workflow("org_1", "corr_1", 5, start)
    assert [one.event for one in first + rest] == made
    assert end is None


def test_an_export_is_whole_though_it_is_larger_than_one_answer_of_the_table() -> None:
    audit.seal("org_1", recorded(30, slug="x" * 50_000))
    documents = list(audit.export("org_1", 0, 100))
    assert (len(documents), chain.verify(documents).fault) == (30, None)


def test_a_workflow_is_whole_though_it_is_larger_than_one_answer_of_the_table() -> None:
    made = recorded(15, slug="x" * 50_000)
    audit.seal("org_1", made)
    placed = [one for page in pages(20) for one in page]
    assert [one.event for one in placed] == made
    assert all(one.document for one in placed)


@pytest.mark.parametrize(("after", "limit", "expected"), [(0, 2, [1, 2]), (2, 10, [3, 4]), (4, 10, []), (0, 0, [])])
def test_an_export_goes_on_where_it_is_told_to(after: int, limit: int, expected: list[int]) -> None:
    audit.seal("org_1", recorded(4))
    assert [document["seq"] for document in audit.export("org_1", after, limit)] == expected


def test_an_export_goes_on_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_BLOCK", 3)
    audit.seal("org_1", recorded(10))
    assert [document["seq"] for document in audit.export("org_1", 0, 100)] == list(range(1, 11))
    assert [document["seq"] for document in audit.export("org_1", 4, 4)] == [5, 6, 7, 8]


def test_what_was_sealed_before_is_not_sealed_again() -> None:
    made = recorded(4)
    assert [audit.seal("org_1", batch) for batch in (made[:2], made, made[::-1], [*made, *made])] == [2, 2, 0, 0]
    assert chain.verify(audit.export("org_1", 0, 10)) == (4, audit.head("org_1").hash, None)
