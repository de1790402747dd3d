"""The stream of one client: heartbeats, a bounded life, filters, slow readers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from switchboard.edge.streaming import delivery
from switchboard.edge.streaming.delivery import StreamLimits
from switchboard.streams.models import Selection, StreamEntry, StreamStart, StreamSubscription
from tests.unit.streams.conftest import CallSource, Client, Clock, SessionGuard, make_entry, parse_blocks

TERMS = StreamLimits(life=840, silence=15, stall=30)
START = StreamStart(after=40, head=40, resumed=False)
SUBSCRIPTION = StreamSubscription("str_1", "org_1", CallSource(), SessionGuard(), Selection(), START)


class Watcher:
    """A watcher of a list. `script` maps times to what happens then."""

    def __init__(self, time: Clock, script: dict[float, Any], **changes: Any) -> None:
        self.subscription = replace(SUBSCRIPTION, **changes)
        self.after = self.subscription.start.after
        self.wake = asyncio.Event()
        self.over: str | None = None
        self.is_behind = False
        self.last_block: bytes | None = None
        self._time, self._script, self._start = time, script, time.now()
        self.entries: list[StreamEntry] = []

    async def read_next(self) -> Sequence[StreamEntry]:
        for at in sorted(self._script):
            if self._time.now() - self._start >= at:
                step = self._script.pop(at)
                if isinstance(step, str):
                    self.over = step
                else:
                    self.entries += step
        return [one for one in self.entries if one.place > self.after][:100]


def play_stream(time: Clock, watcher: Watcher, client: Client, terms: StreamLimits = TERMS) -> str:
    return asyncio.run(delivery.send_events(watcher, client.write, terms, time))  # type: ignore[arg-type]


def test_a_silent_stream_pings_every_15_seconds_and_ends_by_itself(time: Clock) -> None:
    client = Client()
    assert play_stream(time, Watcher(time, {}), client, replace(TERMS, life=100)) == "come again"
    opening, *pings, ending = client.chunks
    assert opening.endswith(b"\nid: 40\n\n")
    assert pings == [b": ping\n"] * 6
    assert ending == b": come again\n\n"
    assert time.now() == 1_100


def test_a_ping_is_sent_during_silence_only(time: Clock) -> None:
    # An event at second 10 is noticed by the wait that ends at 15 at the latest.
    watcher, client = Watcher(time, {15: [make_entry(41)], 29: [make_entry(42)], 60: "restarting"}), Client()
    play_stream(time, watcher, client)
    kinds = [chunk.split(b":")[0] or chunk for chunk in client.chunks[1:-1]]
    assert kinds == [b": ping\n", b"id", b": ping\n", b"id", b": ping\n", b": ping\n"]


def test_a_busy_stream_ends_in_time_too(time: Clock) -> None:
    class Endless(Watcher):
        async def read_next(self) -> Sequence[StreamEntry]:
            time.at += 1
            return [make_entry(self.after + 1)]

    client = Client()
    assert play_stream(time, Endless(time, {}), client) == "come again"
    assert client.ids == list(range(41, 41 + 840))


def test_a_resumed_client_keeps_the_id_that_it_has(time: Clock) -> None:
    client = Client()
    play_stream(time, Watcher(time, {0: "x"}, start=replace(START, resumed=True)), client)
    assert parse_blocks(client.text.replace(": x\n\n", "")) == [{"retry": int(client.chunks[0].split()[1])}]
    assert 1_000 <= int(client.chunks[0].split()[1]) <= 3_000


def test_events_come_in_order_each_once_many_in_one_write(time: Clock) -> None:
    client = Client()
    play_stream(time, Watcher(time, {0: [make_entry(seq) for seq in range(30, 291)], 1: "restarting"}), client)
    assert client.ids == list(range(41, 291))
    assert len([chunk for chunk in client.chunks if b"data" in chunk]) == 3, "a hundred in each write but the last"


def test_a_filter_skips_events_and_moves_the_clients_position(time: Clock) -> None:
    script = {0: [make_entry(seq, "voice" if seq == 45 else "email") for seq in range(41, 3_542)], 1: "restarting"}
    client = Client()
    play_stream(time, Watcher(time, script, selection=Selection(channel="voice")), client)
    shown = parse_blocks(client.text.replace(": restarting\n\n", ""))
    assert client.ids == [45]
    assert [block["id"] for block in shown if "data" not in block and "retry" not in block] == [1_140, 2_140, 3_140]


def test_an_ended_stream_shows_no_more_events(time: Clock) -> None:
    client = Client()
    assert play_stream(
        time, Watcher(time, {0: [make_entry(41)], 0.0001: "The API key is revoked: use another key."}), client
    )
    watcher = Watcher(time, {0: "The API key is revoked: use another key.", 0.1: [make_entry(41)]})
    client = Client()
    assert play_stream(time, watcher, client) == "The API key is revoked: use another key."
    assert client.ids == []
    assert client.text.endswith(": The API key is revoked: use another key.\n\n")


def test_a_link_that_is_not_visible_yet_is_read_again_soon(time: Clock) -> None:
    watcher, client = Watcher(time, {3: [make_entry(41)], 4: "restarting"}), Client()
    watcher.is_behind = True
    play_stream(time, watcher, client)
    assert client.ids == [41]
    assert set(time.waits) == {0.5}


def test_a_client_that_does_not_read_is_disconnected(time: Clock) -> None:
    async def never(written: int) -> None:
        if written:
            await asyncio.Event().wait()

    watcher, client = Watcher(time, {0: [make_entry(41)]}), Client(never)
    with pytest.raises(delivery.StalledError):
        play_stream(time, watcher, client, replace(TERMS, stall=0.05))
    assert client.ids == []


def test_a_slow_client_holds_one_write_and_no_more(time: Clock) -> None:
    held: list[int] = []

    async def slowly(written: int) -> None:
        held.append(len(watcher.entries))
        await asyncio.sleep(0)

    watcher = Watcher(time, {0: [make_entry(seq) for seq in range(41, 1_041)], 1: "restarting"})
    client = Client(slowly)
    play_stream(time, watcher, client)
    assert client.ids == list(range(41, 1_041))
    assert max(map(len, client.chunks)) < 100 * 40, "a hundred events per write, even if more wait"


def test_a_buffered_stream_ends_with_its_first_events_or_before_the_gateway_does(time: Clock) -> None:
    terms = StreamLimits.for_buffered()
    assert terms.life < 29
    client = Client()
    assert (
        play_stream(time, Watcher(time, {15: [make_entry(41), make_entry(42)], 16: [make_entry(43)]}), client, terms)
        == "come again"
    )
    assert client.ids == [41, 42]
    before = time.now()
    play_stream(time, Watcher(time, {}), Client(), terms)
    assert time.now() - before == terms.life


def test_an_ended_source_closes_the_stream_with_its_last_block(time: Clock) -> None:
    watcher, client = Watcher(time, {0: [make_entry(41)]}), Client()
    watcher.last_block = b"id: 42\ndata: 42\n\n"
    assert play_stream(time, watcher, client) == "the source has ended"
    assert client.ids == [41, 42]
    assert client.chunks[-1] == watcher.last_block


def test_a_guard_is_checked_before_the_end_of_the_source(time: Clock) -> None:
    watcher, client = Watcher(time, {0: "The session has ended."}), Client()
    watcher.last_block = b"id: 42\ndata: 42\n\n"
    assert play_stream(time, watcher, client) == "The session has ended."
    assert client.ids == []


def test_copies_of_one_snapshot_have_different_random_values(time: Clock) -> None:
    def drawn() -> tuple[list[float], list[bytes]]:
        # A restored snapshot has the random generator of the process in its saved state.
        random.seed(1815)
        lives = [StreamLimits.for_live().life for _ in range(4)]
        clients = [Client() for _ in range(4)]
        for client in clients:
            play_stream(time, Watcher(time, {0: "restarting"}), client)
        return lives, [client.chunks[0] for client in clients]

    first, second = drawn(), drawn()
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_stream_lifetimes_differ_and_fit_into_lambdas_fifteen_minutes() -> None:
    lives = {StreamLimits.for_live().life for _ in range(100)}
    assert len(lives) > 90
    assert all(0.9 * 840 <= life <= 840 for life in lives)
