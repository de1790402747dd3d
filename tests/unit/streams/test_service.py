"""Permissions of streams, and their start positions."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest

from switchboard.accounts.models import Caller
from switchboard.audit import service as audit
from switchboard.audit.stream_source import AuditChain
from switchboard.aws import clients
from switchboard.dialects.anima import stream
from switchboard.dialects.anima.stream import stream_entry
from switchboard.errors import NotFound
from switchboard.kit import clock, settings
from switchboard.streams import service, store
from switchboard.streams.models import StreamSubscription
from tests.actors import Tenant, tenant
from tests.unit.streams.conftest import SessionGuard, make_entry, record_events


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    made = tenant()
    record_events(made, 3)
    return made


def open_stream(caller: Caller, **options: Any) -> StreamSubscription:
    wanted: dict[str, Any] = {"channel": None, "agent_id": None, "last_seen": None, "address": "203.0.113.7"}
    return stream.watch_events(caller, SessionGuard(), **(wanted | options))


def test_a_stream_begins_at_the_end_or_at_the_clients_position(acme: Tenant) -> None:
    caller = acme.caller(master=True)
    assert (open_stream(caller).start.after, open_stream(caller).start.resumed) == (3, False)
    for seen in (0, 1, 3):
        start = open_stream(caller, last_seen=seen).start
        assert (start.after, start.head, start.resumed) == (seen, 3, True)


def test_an_id_beyond_the_chain_means_its_end(acme: Tenant) -> None:
    found = open_stream(acme.caller(), last_seen=4).start
    assert (found.after, found.resumed) == (3, False)


def test_a_link_that_is_visible_before_the_head_moves_counts(acme: Tenant) -> None:
    with patch("switchboard.audit.service.get_head", return_value=type("Head", (), {"seq": 2})):
        assert open_stream(acme.caller(), last_seen=3).start.after == 3


def test_an_agent_key_sees_its_own_agent_only(acme: Tenant) -> None:
    assert open_stream(acme.caller()).selection.wanted == {"agent_id": acme.agent_id}
    assert open_stream(acme.caller(), agent_id=acme.agent_id).selection.wanted == {"agent_id": acme.agent_id}
    with pytest.raises(NotFound):
        open_stream(acme.caller(), agent_id="agt_other")


def test_a_master_key_sees_all_or_one_of_its_agents(acme: Tenant) -> None:
    other = tenant("other")
    caller = acme.caller(master=True)
    assert open_stream(caller).selection.wanted == {}
    assert open_stream(caller, agent_id=acme.agent_id).selection.wanted == {"agent_id": acme.agent_id}
    for foreign in (other.agent_id, "agt_none", ""):
        with pytest.raises(NotFound):
            open_stream(caller, agent_id=foreign)


def test_a_selection_is_by_agent_and_by_channel(acme: Tenant) -> None:
    wanted = open_stream(acme.caller(), channel="voice").selection
    mine = acme.agent_id
    assert wanted.selects(make_entry(1, "voice", mine))
    assert not any(
        map(
            wanted.selects,
            (make_entry(1, "email", mine), make_entry(1, "voice", "agt_x"), make_entry(1, "voice", None)),
        )
    )


def test_the_plan_limits_the_live_streams(cloud: dict[str, str]) -> None:
    caller = tenant("small", open_streams=2).caller()
    first = open_stream(caller)
    assert open_stream(caller).is_live
    third = open_stream(caller)
    assert third.full == "the limit of 2 open live streams is reached"
    service.release_stream(first)
    assert open_stream(caller).is_live


def test_a_reconnecting_client_takes_its_own_place(cloud: dict[str, str], frozen: clock.FrozenClock) -> None:
    made = tenant("small", open_streams=1)
    first = open_stream(made.caller())
    for _ in range(5):
        frozen.advance(seconds=store.RENEWAL_SECONDS)
        assert service.renew_streams([first]) == set()
    for foreign in ({"address": "198.51.100.1"}, {"channel": "email"}):
        assert not open_stream(made.caller(), last_seen=0, **foreign).is_live
    again = open_stream(made.caller(), last_seen=0)
    assert again.is_live
    assert service.renew_streams([first, again]) == {first.id}


def test_an_extra_window_does_not_keep_closing_the_others(cloud: dict[str, str], frozen: clock.FrozenClock) -> None:
    made = tenant("small", open_streams=2)
    live = [open_stream(made.caller()) for _ in range(2)]
    replaced = 0
    # For ten minutes the third window reconnects every six seconds.
    for second in range(0, 600, 6):
        frozen.advance(seconds=6)
        if second % 30 == 0:
            service.renew_streams(live)
        third = open_stream(made.caller(), last_seen=0)
        if third.is_live:
            replaced += 1
            live = [one for one in live if one.id not in service.renew_streams(live)] + [third]
    assert 0 < replaced <= 600 / service.REPLACEABLE_AFTER_SECONDS * 2, "they take turns"
    assert len(live) == 2


def test_without_the_leases_table_clients_get_short_responses(acme: Tenant) -> None:
    caller = acme.caller()
    clients.get_client("dynamodb").delete_table(TableName=settings.table_name("ratelimit"))
    opened = open_stream(caller, last_seen=1)
    assert not opened.is_live
    assert "id: 2\n" in service.render_missed_entries(opened)


def test_reads_have_no_gap(acme: Tenant) -> None:
    record_events(acme, 5)
    documents = list(audit.export_documents(acme.org_id, 0, 100))
    chain = AuditChain(acme.org_id, "audit", stream_entry)

    def read(after: int, limit: int) -> list[int]:
        return [found.place for found in chain.read_entries(after, limit).entries]

    # A half-finished transaction: one link is there, the one before it is not yet.
    with patch("switchboard.audit.service.export_documents", return_value=iter([*documents[:4], *documents[5:]])):
        assert read(0, 100) == [1, 2, 3, 4]
    assert read(2, 3) == [3, 4, 5]
    assert read(8, 10) == []
