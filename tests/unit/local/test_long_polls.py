"""Receives of empty queues: they end with a change, with time, and with the engine."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import pytest

from infra.local.engine_host import LongPolls
from tests.unit.local.test_journal import Sqs


def make_polls() -> tuple[LongPolls, Sqs]:
    sqs = Sqs()
    polls = LongPolls(sqs)
    # A wait that only this limit ends makes a test fail by its own time-out.
    polls.LONGEST_SECONDS = 60.0
    return polls, sqs


def test_a_change_wakes_all_receives() -> None:
    async def run() -> None:
        polls, _ = make_polls()
        waits = [asyncio.create_task(polls.wait_for_change(0.1)) for _ in range(3)]
        await asyncio.sleep(0)
        polls.wake()
        await asyncio.wait_for(asyncio.gather(*waits), 5)

    asyncio.run(run())


def test_a_hidden_message_wakes_receives_at_its_time() -> None:
    async def run() -> None:
        polls, sqs = make_polls()
        sqs.send("jobs", "later")["visible_at"] = due = time.time() + 0.05
        await asyncio.wait_for(polls.wait_for_change(0.1), 5)
        assert time.time() >= due

    asyncio.run(run())


def test_the_end_of_a_poll_is_kept() -> None:
    async def run() -> None:
        polls, _ = make_polls()
        await asyncio.wait_for(polls.wait_for_change(0.01), 5)

    asyncio.run(run())


def test_a_stop_ends_all_receives_with_an_error_that_the_engine_answers_without_a_traceback() -> None:
    async def run() -> None:
        polls, sqs = make_polls()
        waiting = asyncio.create_task(polls.wait_for_change(0.1))
        await asyncio.sleep(0)
        polls.stop()
        with pytest.raises(sqs._Err) as ended:
            await asyncio.wait_for(waiting, 5)
        assert ended.value.args == ("ServiceUnavailable", "the engine stops", 503)
        with pytest.raises(sqs._Err):
            await polls.wait_for_change(0.1)

    asyncio.run(run())


def test_the_engine_sleeps_by_the_polls() -> None:
    polls, sqs = make_polls()
    module: SimpleNamespace = sqs.asyncio  # type: ignore[attr-defined]
    assert module.sleep == polls.wait_for_change
