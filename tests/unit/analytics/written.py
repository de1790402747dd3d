"""Counts the units of writing of one event in a busy organization."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from math import ceil

from switchboard.analytics import facts, store
from switchboard.analytics.facts import TallyKey
from switchboard.analytics.models import CallFact
from switchboard.aws.dynamodb import Item

ORG = "org_00000000000000000000000000"
#: The units of writing that one partition takes in a second.
PARTITION_UNITS = 1_000
_DAY = datetime(2026, 1, 15, tzinfo=UTC)
_CALLS_IN_HOUR, _CALLS_IN_DAY = 8, 40


def count_units(flows: int) -> Counter[str]:
    """Return the units that one event writes to each partition, if so many flows have calls all day.

    A write in a transaction costs two units for each started kilobyte of the whole item.
    """
    chance, tallies = random.Random(1), dict[TallyKey, Counter[str]]()
    for flow in range(flows):
        hours = [14] * _CALLS_IN_HOUR + [chance.randrange(24) for _ in range(_CALLS_IN_DAY)]
        for place, hour in enumerate(hours):
            at = _DAY + timedelta(hours=hour, minutes=chance.randrange(60))
            for key, counts in facts.tallies_of(_fact(flow, at, place % 3)).items():
                tallies.setdefault(key, Counter()).update(counts)
    units = Counter[str]()
    for key in facts.tallies_of(_fact(flows // 2, _DAY + timedelta(hours=14), 0)):
        item = store.tally_item(ORG, key, tallies[key])
        units[item["pk"]] += 2 * ceil(_size(item) / 1_024)
    return units


def _fact(flow: int, at: datetime, outcome: int) -> CallFact:
    created_at = at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    flow_id = f"0d0c5e5e-0000-4000-8000-{flow:012}"
    return CallFact(
        call_id="call_x", created_at=created_at, call_version=3, flow_id=flow_id, flow=flow, inbound=True,
        answered=True, seconds=200, outcome=outcome,
    )  # fmt: skip


def _size(item: Item) -> int:
    """Return the size of an item as DynamoDB computes it: a number takes a byte for two digits, and one more."""
    texts = sum(len(name) + (len(value) if isinstance(value, str) else 0) for name, value in item.items())
    return texts + sum(1 + (len(str(value)) + 1) // 2 for value in item.values() if isinstance(value, int))
