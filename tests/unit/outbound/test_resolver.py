"""Hung name servers do not delay other lookups."""

from __future__ import annotations

import asyncio
from collections import Counter
from threading import Event

from switchboard.outbound.resolver import GuardedResolver

PUBLIC = "93.184.216.34"


def test_a_healthy_host_is_found_while_many_name_servers_hang() -> None:
    over, asked = Event(), Counter[str]()

    def look_up(host: str) -> list[str]:
        asked[host] += 1
        if host.startswith("hung"):
            over.wait(10)
        return [PUBLIC]

    async def run() -> None:
        guarded = GuardedResolver(look_up)
        hung = [asyncio.ensure_future(guarded.resolve(f"hung{number % 60}.example")) for number in range(300)]
        await asyncio.sleep(0)
        for one in hung[:100]:
            one.cancel()
        found = await asyncio.wait_for(guarded.resolve("healthy.example"), 5)
        over.set()
        await asyncio.gather(*hung, return_exceptions=True)
        await guarded.close()
        assert [one["host"] for one in found] == [PUBLIC]

    asyncio.run(run())
    assert set(asked.values()) == {1}, "one name is looked up once at a time"
