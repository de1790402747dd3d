"""`switchboard timer`: dead timers, listed, fired and dropped."""

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


def bury(number: int, **changes: Any) -> str:
    """Set a timer aside."""
    job = IndexContacts(org_id="org_1", contact_ids=[f"con_{number}"])
    timer = Timer(id=f"tmr_{number:026d}", org_id="org_1", due=clock.now_iso(), queue=job.queue, body=job.body)
    reason = "its queue did not take it"
    kept = {**timer.model_dump(), **changes}
    writes.write_item(
        store.dead_timer_write(DeadTimer(id=timer.id, died_at=clock.now_iso(), reason=reason, timer=kept))
    )
    return timer.id


def arrived() -> list[list[str]]:
    answer = clients.get_client("sqs").receive_message(QueueUrl=settings.queue_url("contacts"), MaxNumberOfMessages=10)
    return [json.loads(message["Body"])["contact_ids"] for message in answer.get("Messages", [])]


def listed(run: Run, *words: str) -> list[str]:
    return [row["timer"] for row in run("timer", "list", *words, "--json").json]


def test_dead_timers_are_listed_with_their_reason(run: Run) -> None:
    first = bury(1)
    bury(2)
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


def test_one_is_fired_and_the_others_wait(run: Run) -> None:
    first, second = bury(1), bury(2)
    assert run("timer", "fire", second, "--json").json == {"fired": 1, "unreadable": 0}
    assert (arrived(), listed(run)) == ([["con_2"]], [first])
    answer = run("timer", "fire", second)
    assert (answer.code, answer.err) == (
        1,
        f"switchboard: There is no dead timer {second!r}: see `switchboard timer list`.\n",
    )


def test_all_are_fired_except_for_what_cannot_be_read(run: Run) -> None:
    bury(1)
    bad = bury(2, body="none")
    bury(3)
    answer = run("timer", "fire", "--all", "--json")
    assert (answer.code, json.loads(answer.out)) == (1, {"fired": 2, "unreadable": 1})
    assert (sorted(arrived()), listed(run)) == ([["con_1"], ["con_3"]], [bad])
    assert "drop it" in run("timer", "fire", bad).err
    assert run("timer", "drop", bad, "--json").json == {"dropped": 1}
    assert listed(run) == []


def test_one_or_all_are_dropped(run: Run) -> None:
    first = bury(1)
    bury(2)
    bury(3)
    assert run("timer", "drop", first, "--json").json == {"dropped": 1}
    assert run("timer", "drop", "--all", "--json").json == {"dropped": 2}
    assert (listed(run), arrived()) == ([], [])


@pytest.mark.parametrize("words", [(), ("tmr_1", "--all")])
def test_which_timer_is_meant_must_be_said(run: Run, words: tuple[str, ...]) -> None:
    assert run("timer", "fire", *words).code == 2
