"""Writes items in large batches."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

from botocore.config import Config

from infra.local import aws
from switchboard.aws.dynamodb import Item, encode_item
from switchboard.kit import settings

#: The limit of a transaction: the table engine waits for the disk once per transaction.
_TOGETHER = 100
_SORTED = 150_000
_THREADS = 4
_TOLD_EACH = 100_000


def write_items(items: Iterable[tuple[str, Item]]) -> int:
    """Write items in large batches. Returns how many."""
    remaining, written, told = iter(items), 0, 0
    # The items are valid by construction, and validation would take longer than the writes.
    client = aws.engine_client(os.environ, "dynamodb", Config(parameter_validation=False))
    with ThreadPoolExecutor(_THREADS) as pool:
        running: list[Future[int]] = []
        # Neighboring keys are written together: this saves the table engine half of its work. The next items are
        # prepared meanwhile.
        while some := sorted(islice(remaining, _SORTED), key=_place):
            batches = (some[start : start + _TOGETHER] for start in range(0, len(some), _TOGETHER))
            before, running = running, [pool.submit(_write, client, batch) for batch in batches]
            for one in before:
                written += one.result()
            told = _tell(written, told)
        written += sum(one.result() for one in running)
    return written


def _place(entry: tuple[str, Item]) -> tuple[str, str, str]:
    table, item = entry
    return table, item["pk"], item["sk"]


def _write(client: Any, batch: list[tuple[str, Item]]) -> int:
    puts: list[Any] = [
        {"Put": {"TableName": settings.table_name(table), "Item": encode_item(item)}} for table, item in batch
    ]
    client.transact_write_items(TransactItems=puts)
    return len(batch)


def _tell(written: int, told: int) -> int:
    """Say how many items are written: on one line of a terminal, or else a line now and then."""
    if sys.stdout.isatty():
        print(f"\r  {written:,} items", end="", flush=True)
    elif written - told >= _TOLD_EACH:
        print(f"  {written:,} items so far", flush=True)
    else:
        return told
    return written
