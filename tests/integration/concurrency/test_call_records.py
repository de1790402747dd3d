"""Concurrent requests on the engine: read states, tags and notes of calls stay exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from switchboard.calls import inbox, notes, tags
from switchboard.calls.models import Call
from switchboard.errors import Invalid
from switchboard.inbox import service as inboxes
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, tenant
from tests.integration.concurrency.conftest import run_together
from tests.unit.call_records.desk import list_call, save_call
from tests.unit.calls.console_calls import place, save_flow


@pytest.fixture
def acme(engine_cloud: dict[str, str]) -> Tenant:
    return tenant()


def failures(results: Sequence[object]) -> list[object]:
    return [result for result in results if isinstance(result, Exception)]


def test_parallel_views_marks_and_new_calls_leave_every_count_right(acme: Tenant) -> None:
    ada, bob = member(acme.org_id, Role.ADMIN), member(acme.org_id, Role.VIEWER, "Bob")
    calls = [save_call(acme.org_id, listed=number < 5) for number in range(10)]
    jobs: list[Callable[[], Any]] = [partial(inbox.record_view, ada, call.id) for call in calls[:4]]
    jobs += [partial(inbox.record_view, ada, calls[0].id), partial(inbox.record_view, ada, calls[7].id)]
    jobs += [partial(list_call, call) for call in calls[5:8]]
    jobs.append(partial(inbox.set_call_read, bob, calls[0].id, read=True))
    assert failures(run_together(jobs)) == []
    for call in calls:
        list_call(call)
    counts = [inboxes.count_unread(acme.org_id, reader.user_id, ["calls"])["calls"] for reader in (ada, bob)]
    assert counts == [5, 9]
    assert len(inbox.list_views(acme.org_id, calls[0].id)) == 1


def test_parallel_mark_alls_and_marks_agree_with_the_list(acme: Tenant) -> None:
    ada = member(acme.org_id, Role.ADMIN)
    calls = [save_call(acme.org_id) for _ in range(6)]
    jobs: list[Callable[[], Any]] = [
        partial(inbox.set_call_read, ada, call.id, read=number % 2 == 0) for number, call in enumerate(calls)
    ]
    jobs += [partial(inbox.mark_all_calls_read, ada)] * 4
    results = run_together(jobs)
    assert failures(results) == []
    assert max(result for result in results if isinstance(result, int)) <= 6
    things = [inbox.inbox_thing(call) for call in calls]
    read = inboxes.are_read(acme.org_id, "calls", ada.user_id, things)
    assert inboxes.count_unread(acme.org_id, ada.user_id, ["calls"])["calls"] == read.count(False)


def test_parallel_tags_and_notes_are_counted_once(acme: Tenant) -> None:
    ada = member(acme.org_id, Role.ADMIN)
    one, two = save_call(acme.org_id), save_call(acme.org_id)
    same = [partial(tags.add_tag, ada, one.id, name, "#abc", recolor=True) for name in ("Vip", "VIP", "vip", "viP")]
    jobs: list[Callable[[], Any]] = [*same, partial(tags.add_tag, ada, two.id, "vip", None, recolor=False)]
    jobs += [partial(notes.create_note, ada, one.id, f"Note {number}") for number in range(5)]
    assert failures(run_together(jobs)) == []
    assert [(tag.calls, tag.color) for tag in tags.list_tags(acme.org_id)] == [(2, "#abc")]
    assert len(tags.list_call_tags(acme.org_id, one.id)) == 1
    assert len(notes.list_notes(acme.org_id, one.id)) == 5
    results = run_together([partial(tags.remove_tag, ada, call.id, "vip") for call in (one, two, one, two)])
    assert len(failures(results)) == 2
    assert tags.list_tags(acme.org_id) == []


def test_ten_equal_requests_at_once_place_one_call(acme: Tenant) -> None:
    ada = member(acme.org_id, Role.OPERATOR)
    flow = save_flow(acme.org_id)
    results = run_together([partial(place, ada, flow)] * 10)
    [first] = [result for result in results if isinstance(result, Call)]
    refused = [result for result in results if isinstance(result, Invalid)]
    assert len(refused) == 9
    assert {(refusal.code, refusal.details["call_id"]) for refusal in refused} == {("duplicate_call", first.id)}
