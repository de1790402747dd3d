"""Reading the chain, whole and in pages, while other processes seal and commit events."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from switchboard.audit import chain, sealing, store
from switchboard.audit import service as audit
from switchboard.aws import writes
from switchboard.aws.writes import Delete, Put
from switchboard.errors import Invalid, NotFound
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage
from tests.unit.audit.workflows import Reader, build_events, create_recorded_events, record_events


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 20])
@pytest.mark.parametrize("sealed", [0, 1, 3, 5])
def test_sealed_events_are_listed_by_seq_before_unsealed_ones(acme: Tenant, limit: int, sealed: int) -> None:
    made = create_recorded_events(acme.org_id, 5)
    sealing.seal_events(acme.org_id, made[:sealed])
    found = Reader(acme, limit).read_rest()
    assert [one["id"] for one in found] == [event.id for event in made]
    assert [one["seq"] for one in found] == [*range(1, sealed + 1)] + [None] * (5 - sealed)
    for document in found[sealed:]:
        assert (document["prevHash"], document[chain.HASH_FIELD]) == (None, None)


@pytest.mark.parametrize("limit", [1, 2, 20])
def test_events_sealed_out_of_order_are_listed_in_the_order_of_the_chain(acme: Tenant, limit: int) -> None:
    made = create_recorded_events(acme.org_id, 5)
    for event in (made[3], made[0], made[4]):
        sealing.seal_events(acme.org_id, [event])
    found = Reader(acme, limit).read_rest()
    assert [one["id"] for one in found] == [made[place].id for place in (3, 0, 4, 1, 2)]


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_an_event_that_is_committed_late_is_listed_after_every_cursor(acme: Tenant, limit: int) -> None:
    """Another process takes an id, and commits after a reader has passed it."""
    late, *others = build_events(acme.org_id, 7)
    sealing.seal_events(acme.org_id, record_events(others))
    reader = Reader(acme, limit)
    seen = reader.read_rest()
    sealing.seal_events(acme.org_id, record_events([late]))
    seen += reader.read_rest()
    assert {one["id"] for one in seen} == {late.id, *(event.id for event in others)}


def test_a_reader_misses_no_event_that_is_committed_or_sealed_between_pages(acme: Tenant) -> None:
    for seed in range(12):
        chance, workflow = Random(seed), f"corr_{seed}"
        uncommitted = build_events(acme.org_id, 14, correlation_id=workflow)
        wanted = {event.id for event in uncommitted}
        chance.shuffle(uncommitted)
        unsealed = record_events([uncommitted.pop()])
        reader, seen = Reader(acme, chance.randint(1, 6), workflow), []
        while uncommitted or unsealed:
            match chance.randint(0, 3):
                case 0 if uncommitted:
                    unsealed += record_events([uncommitted.pop()])
                case 1 if unsealed:
                    chance.shuffle(unsealed)
                    cut = chance.randint(1, len(unsealed))
                    sealing.seal_events(acme.org_id, unsealed[:cut])
                    unsealed = unsealed[cut:]
                case _:
                    seen += reader.read_page()[0]
        seen += reader.read_rest()
        assert {one["id"] for one in seen} == wanted, seed
        # A sealed document has the same content each time, and a new reader sees each event once, by seq.
        assert len({one["id"]: one for one in seen if one["seq"]}) == len(wanted)
        fresh = Reader(acme, 4, workflow).read_rest()
        assert Counter(one["id"] for one in fresh) == Counter(wanted)
        assert [one["seq"] for one in fresh] == sorted(one["seq"] for one in fresh)


@pytest.mark.parametrize("done", range(3))
def test_an_event_sealed_during_a_read_is_on_the_page_once(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    """A sealer runs between any two of the reads."""
    made = create_recorded_events(acme.org_id, 3)
    sealing.seal_events(acme.org_id, made[:1])
    reads = iter(range(9))

    def seal_before(name: str) -> None:
        real = getattr(store, name)

        def seal_and_read(*arguments: object) -> object:
            if next(reads) == done:
                sealing.seal_events(acme.org_id, made)
            return real(*arguments)

        monkeypatch.setattr(store, name, seal_and_read)

    for name in ("list_places", "get_documents", "list_events_after"):
        seal_before(name)
    assert [one["id"] for one in Reader(acme, 10).read_rest()] == [event.id for event in made]


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_a_half_sealed_batch_hides_no_event(acme: Tenant, limit: int) -> None:
    """The receipts exist, but some links are missing: their events are shown as unsealed."""
    made = create_recorded_events(acme.org_id, 4)
    sealing.seal_events(acme.org_id, made)
    lost = [writes.write_item(Delete(table="activity", key=store._link_key(acme.org_id, seq))) for seq in (3, 4)]
    reader = Reader(acme, limit)
    seen = reader.read_rest()
    assert [(one["id"], one["seq"]) for one in seen] == [
        (event.id, seq) for event, seq in zip(made, (1, 2, None, None), strict=True)
    ]
    assert [one["seq"] for one in audit.export_part(acme.org_id, 0, 10)[1]] == [1, 2, 3, 4]
    for item in lost:
        writes.write_item(Put(table="activity", item=item or {}))
    assert [one["seq"] for one in reader.read_rest()][-2:] == [3, 4]


def test_an_event_without_a_receipt_yet_is_on_its_page_once(acme: Tenant) -> None:
    made = create_recorded_events(acme.org_id, 2)
    sealing.seal_events(acme.org_id, made)
    writes.write_item(Delete(table="activity", key=store._receipt_key(acme.org_id, "corr_1", made[1].id)))
    assert [(one["id"], one["seq"]) for one in Reader(acme, 10).read_rest()] == [(made[0].id, 1), (made[1].id, 2)]


def test_a_page_always_takes_two_round_trips(acme: Tenant) -> None:
    sealing.seal_events(acme.org_id, create_recorded_events(acme.org_id, 250))
    create_recorded_events(acme.org_id, 3)
    caller, saboteur = acme.caller(master=True), Sabotage()
    audit.list_workflow_events(
        caller, "corr_1", 1, None
    )  # from here on the process has cached the secret that signs cursors
    for limit, calls_of in ((10, ["Query", "BatchGetItem"]), (500, ["Query", *["BatchGetItem"] * 3, "Query"])):
        with saboteur.counting() as calls:
            entries, _ = audit.list_workflow_events(caller, "corr_1", limit, None)
        # All reads after the first run in parallel.
        assert (calls, len(entries)) == (calls_of, min(limit, 253))


def test_pages_are_limited_by_the_size_of_their_events(acme: Tenant) -> None:
    made = create_recorded_events(acme.org_id, 45, text="x" * 50_000)
    sealing.seal_events(acme.org_id, made[:30])
    reader, pages, last = Reader(acme, 500), [], False
    while not last:
        page, last = reader.read_page()
        pages.append(page)
    assert max(sum(chain.size_of(one) for one in page) for page in pages) < 2_500_000
    assert [one["id"] for page in pages for one in page] == [event.id for event in made]


def test_an_agents_key_lists_its_own_agents_events(acme: Tenant) -> None:
    made = create_recorded_events(acme.org_id, 3)
    sealing.seal_events(acme.org_id, made[:2])
    theirs = [one.model_copy(update={"agent_id": acme.agent_id}) for one in build_events(acme.org_id, 2)]
    sealing.seal_events(acme.org_id, record_events(theirs)[:1])
    entries, more = audit.list_workflow_events(acme.caller(), "corr_1", 10, None)
    assert ([entry.document["id"] for entry in entries], more) == ([event.id for event in theirs], None)
    with pytest.raises(NotFound):
        audit.list_workflow_events(acme.caller(), "corr_none", 10, None)


def test_a_cursor_works_for_its_own_workflow_only(acme: Tenant) -> None:
    sealing.seal_events(
        acme.org_id,
        create_recorded_events(acme.org_id, 3) + create_recorded_events(acme.org_id, 3, correlation_id="corr_2"),
    )
    _, cursor = audit.list_workflow_events(acme.caller(master=True), "corr_1", 1, None)
    with pytest.raises(Invalid):
        audit.list_workflow_events(acme.caller(master=True), "corr_2", 1, cursor)


def test_an_export_that_is_larger_than_one_table_page_is_complete(acme: Tenant) -> None:
    sealing.seal_events(acme.org_id, create_recorded_events(acme.org_id, 30, text="x" * 50_000))
    documents = list(audit.export_documents(acme.org_id, 0, 100))
    assert (len(documents), chain.verify_export(documents).fault) == (30, None)


def test_a_part_of_an_export_is_limited_by_the_size_of_its_events(acme: Tenant) -> None:
    sealing.seal_events(acme.org_id, create_recorded_events(acme.org_id, 45, text="x" * 50_000))
    documents, sizes = [], []
    while len(documents) < 45:
        head, part = audit.export_part(acme.org_id, len(documents), 1_000)
        documents += part
        sizes.append(sum(chain.size_of(one) for one in part))
    assert max(sizes) < 1_100_000
    assert chain.verify_export(documents) == (45, head.hash, None)
    assert audit.export_part(acme.org_id, 45, 10) == (head, [])


@pytest.mark.parametrize(("after", "limit", "expected"), [(0, 2, [1, 2]), (2, 10, [3, 4]), (4, 10, []), (0, 0, [])])
def test_an_export_continues_after_the_given_seq(acme: Tenant, after: int, limit: int, expected: list[int]) -> None:
    sealing.seal_events(acme.org_id, create_recorded_events(acme.org_id, 4))
    assert [document["seq"] for document in audit.export_documents(acme.org_id, after, limit)] == expected


def test_an_export_continues_across_blocks(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_LINKS_PER_BLOCK", 3)
    sealing.seal_events(acme.org_id, create_recorded_events(acme.org_id, 10))
    assert [document["seq"] for document in audit.export_documents(acme.org_id, 0, 100)] == list(range(1, 11))
    assert [document["seq"] for document in audit.export_documents(acme.org_id, 4, 4)] == [5, 6, 7, 8]
