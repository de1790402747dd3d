"""Writes items in large batches."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any

from botocore.config import Config

from infra.local import aws
from switchboard.aws.dynamodb import Item, encode_item
from switchboard.kit import settings

#: The limit of a transaction: the table engine waits for the disk once per transaction.
_TOGETHER = 100
_SORTED = 20_000
_THREADS = 4


def write_items(items: Iterable[tuple[str, Item]]) -> int:
    """Write items in large batches. Returns how many."""
    remaining, written = iter(items), 0
    # The items are valid by construction, and validation would take longer than the writes.
    client = aws.engine_client(os.environ, "dynamodb", Config(parameter_validation=False))
    with ThreadPoolExecutor(_THREADS) as pool:
        # Neighboring keys are written together: this saves the table engine half of its work.
        while some := sorted(islice(remaining, _SORTED), key=_place):
            batches = (some[start : start + _TOGETHER] for start in range(0, len(some), _TOGETHER))
            for count in pool.map(partial(_write, client), batches):
                written += count
                _tell(written)
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


def _tell(written: int) -> None:
    if sys.stdout.isatty():
        print(f"\r  {written:,} items", end="", flush=True)
