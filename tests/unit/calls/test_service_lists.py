"""Lists of calls: filters and pages."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.calls import service
from switchboard.calls.models import FINAL_STATES, State
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.errors import Invalid, NotFound
from switchboard.kit import clock
from tests.actors import Tenant
from tests.integration.sabotage import Sabotage
from tests.unit.call_records.desk import save_call
from tests.unit.calls.live_calls import (
    dial_call,
    report_progress,
)

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def test_lists_can_be_filtered(acme: Tenant) -> None:
    ended, open_ = dial_call(acme), dial_call(acme)
    report_progress(ended, "ended", end_reason=EndReason.BUSY)
    caller = acme.caller()
    assert [call.id for call in service.list_calls(caller, None, sorted(FINAL_STATES), None, 20, None)[0]] == [ended.id]
    assert [call.id for call in service.list_calls(caller, None, [State.RINGING], None, 20, None)[0]] == [open_.id]
    assert service.list_calls(caller, None, [], "INBOUND", 20, None)[0] == []
    with pytest.raises(NotFound):
        service.list_calls(caller, "agt_other", [], None, 20, None)


def list_pages_of_ids(acme: Tenant, limit: int, **filters: Any) -> list[list[str]]:
    """Returns the ids of all pages of a list of calls."""
    found, cursor = [], None
    asked = {"states": [], "direction": None, "agent_id": None} | filters
    while True:
        page, cursor = service.list_calls(
            acme.caller(master=True), asked["agent_id"], asked["states"], asked["direction"], limit, cursor
        )
        found.append([call.id for call in page])
        if cursor is None:
            return found


def test_every_filter_has_its_own_list_with_a_marked_last_page(acme: Tenant, frozen: clock.FrozenClock) -> None:
    calls = []
    for number in range(6):
        frozen.advance(seconds=1)
        call = dial_call(acme)
        if number % 2:
            report_progress(call, "answered")
        calls.append(call.id)
    newest = calls[::-1]
    ringing, active = newest[1::2], newest[::2]
    assert list_pages_of_ids(acme, 3) == list_pages_of_ids(acme, 3, direction="OUTBOUND") == [newest[:3], newest[3:]]
    assert list_pages_of_ids(acme, 3, agent_id=acme.agent_id) == [newest[:3], newest[3:]]
    assert list_pages_of_ids(acme, 3, direction="INBOUND") == list_pages_of_ids(acme, 3, agent_id="agt_other") == [[]]
    assert list_pages_of_ids(acme, 3, states=[State.RINGING]) == [ringing]
    assert list_pages_of_ids(acme, 4, states=[State.ACTIVE, State.RINGING, State.HOLD]) == [newest[:4], newest[4:]]
    both = {"states": [State.ACTIVE, State.CREATED], "agent_id": acme.agent_id, "direction": "OUTBOUND"}
    assert list_pages_of_ids(acme, 2, **both) == [active[:2], active[2:]]


def test_a_page_of_one_state_reads_only_that_state(acme: Tenant) -> None:
    for _ in range(10):
        report_progress(dial_call(acme), "ended", end_reason=EndReason.BUSY)
    ringing = dial_call(acme)
    caller, saboteur = acme.caller(master=True), Sabotage()
    with saboteur.counting() as asked:
        found, cursor = service.list_calls(caller, None, [State.RINGING], "OUTBOUND", 5, None)
    assert ([call.id for call in found], cursor) == ([ringing.id], None)
    assert asked == ["Query", "BatchGetItem"]


def test_states_that_share_a_list_are_told_apart_in_every_direction(acme: Tenant, frozen: clock.FrozenClock) -> None:
    made: dict[State, list[str]] = {}
    shared = (State.CREATED, State.DIALING, State.UNCONFIRMED, State.ACTIVE, State.HOLD, State.ENDING, State.COMPLETED)
    for number, state in enumerate(2 * shared):
        frozen.advance(seconds=1)
        call = save_call(acme.org_id, state=state, direction=("OUTBOUND", "INBOUND")[number >= len(shared)])
        made.setdefault(state, []).insert(0, call.id)
    for state, (newer, older) in made.items():
        assert list_pages_of_ids(acme, 20, states=[state]) == [[newer, older]], state
        assert list_pages_of_ids(acme, 20, states=[state], direction="INBOUND") == [[newer]], state
        assert list_pages_of_ids(acme, 20, states=[state], direction="OUTBOUND") == [[older]], state
        assert list_pages_of_ids(acme, 20, states=[state], agent_id="agt_other") == [[]], state


def test_a_cursor_belongs_to_one_state_also_if_two_share_a_list(acme: Tenant, frozen: clock.FrozenClock) -> None:
    for state in (State.ACTIVE, State.ACTIVE, State.HOLD):
        frozen.advance(seconds=1)
        save_call(acme.org_id, state=state)
    caller = acme.caller(master=True)
    _, cursor = service.list_calls(caller, None, [State.ACTIVE], None, 1, None)
    assert cursor
    with pytest.raises(Invalid):
        service.list_calls(caller, None, [State.HOLD], None, 1, cursor)
