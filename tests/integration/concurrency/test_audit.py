"""Concurrent sealers of the audit chain on the engine."""

from __future__ import annotations

from collections import Counter

import pytest

from switchboard.audit import chain, sealing
from switchboard.audit import service as audit
from switchboard.audit import store as audit_store
from switchboard.aws.writes import commit
from switchboard.errors import Contended
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from tests.integration.concurrency.conftest import run_together


@pytest.mark.usefixtures("engine_cloud")
@pytest.mark.parametrize("together", [5, 99])
def test_concurrent_sealers_make_one_chain_without_gaps_or_duplicates(
    monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setattr(audit_store, "MAX_RECEIPTS_PER_READ", together)
    work = SystemActor(org_id="org_1", actor=Actor(type="system", id="test"), agent_id=None, correlation_id="corr_1")
    made = [
        events.new_event(work, "roleplay.call.live", Subject(type="roleplay_call", id=str(number)))
        for number in range(60)
    ]
    commit(events.event_write(event) for event in made)

    def seal(batch: list[events.Event]) -> int:
        try:
            return sealing.seal_events("org_1", batch)
        except Contended:
            return seal(batch)  # the queue brings the job again

    halves = [made[:40], made[20:], made[::-1], made[10:50]]
    added = run_together([lambda batch=batch: seal(batch) for batch in halves])
    assert sum(number for number in added if isinstance(number, int)) == 60
    documents = list(audit.export_documents("org_1", 0, 1_000))
    assert Counter(document["id"] for document in documents) == Counter(event.id for event in made)
    verdict = chain.verify_export(documents)
    assert (verdict.fault, verdict.head) == (None, audit.get_head("org_1").hash)
    places, more = audit_store.list_places("org_1", "corr_1", 0, 1_000)
    assert ([place.seq for place in places], more) == (list(range(1, 61)), False)
    seen, _ = audit_store.list_events_after("org_1", "corr_1", None)
    assert {one.event.id: one.seq for one in seen} == {document["id"]: document["seq"] for document in documents}
