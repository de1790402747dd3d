"""`switchboard timer`: dead timers can be listed, fired and dropped."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.aws import clients, writes
from switchboard.contacts.jobs import IndexContacts
from switchboard.kit import clock, settings
from switchboard.timers import store
from switchboard.timers.models import DeadTimer, Timer
from tests.unit.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def bury_timer(number: int, **changes: Any) -> str:
    """Store a dead timer."""
    job = IndexContacts(org_id="org_1", contact_ids=[f"con_{number}"])
    timer = Timer(id=f"tmr_{number:026d}", org_id="org_1", due=clock.now_iso(), queue=job.queue, body=job.body)
    reason = "its queue did not take it"
    kept = {**timer.model_dump(), **changes}
    writes.write_item(
        store.dead_timer_write(DeadTimer(id=timer.id, died_at=clock.now_iso(), reason=reason, timer=kept))
    )
    return timer.id


def list_arrived_jobs() -> list[list[str]]:
    answer = clients.get_client("sqs").receive_message(QueueUrl=settings.queue_url("contacts"), MaxNumberOfMessages=10)
    return [json.loads(message["Body"])["contact_ids"] for message in answer.get("Messages", [])]


def list_timers(run: Run, *words: str) -> list[str]:
    return [row["timer"] for row in run("timer", "list", *words, "--json").json]


def test_dead_timers_are_listed_with_their_reason(run: Run) -> None:
    first = bury_timer(1)
    bury_timer(2)
    (row, _) = run("timer", "list", "--json").json
    assert row == {
        "timer": first,
        "died_at": "2026-01-15T17:00:00.000Z",
        "queue": "contacts",
        "org": "org_1",
        "due": "2026-01-15T17:00:00.000Z",
        "reason": "its queue did not take it",
    }
    answer = run("timer", "list", "--limit", "1", "--json")
    assert ([row["timer"] for row in answer.json], "more than 1" in answer.err) == ([first], True)


def test_one_timer_is_fired_and_the_others_wait(run: Run) -> None:
    first, second = bury_timer(1), bury_timer(2)
    assert run("timer", "fire", second, "--json").json == {"fired": 1, "unreadable": 0}
    assert (list_arrived_jobs(), list_timers(run)) == ([["con_2"]], [first])
    answer = run("timer", "fire", second)
    assert (answer.code, answer.err) == (
        1,
        f"switchboard: There is no dead timer {second!r}: see `switchboard timer list`.\n",
    )


def test_all_readable_timers_are_fired(run: Run) -> None:
    bury_timer(1)
    bad = bury_timer(2, body="none")
    bury_timer(3)
    answer = run("timer", "fire", "--all", "--json")
    assert (answer.code, json.loads(answer.out)) == (1, {"fired": 2, "unreadable": 1})
    assert (sorted(list_arrived_jobs()), list_timers(run)) == ([["con_1"], ["con_3"]], [bad])
    assert "drop it" in run("timer", "fire", bad).err
    assert run("timer", "drop", bad, "--json").json == {"dropped": 1}
    assert list_timers(run) == []


def test_one_or_all_timers_are_dropped(run: Run) -> None:
    first = bury_timer(1)
    bury_timer(2)
    bury_timer(3)
    assert run("timer", "drop", first, "--json").json == {"dropped": 1}
    assert run("timer", "drop", "--all", "--json").json == {"dropped": 2}
    assert (list_timers(run), list_arrived_jobs()) == ([], [])


@pytest.mark.parametrize("words", [(), ("tmr_1", "--all")])
def test_the_command_requires_a_timer_or_all(run: Run, words: tuple[str, ...]) -> None:
    assert run("timer", "fire", *words).code == 2
