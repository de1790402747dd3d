"""Writes items in large batches.

The requests are made by hand: botocore's serializer would take longer than the table engine. The engine of the local
stack checks no signature.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from http.client import HTTPConnection
from itertools import islice
from urllib.parse import urlsplit

from switchboard.aws.dynamodb import Item, encode_item
from switchboard.kit import settings

#: The limit of a transaction: the table engine waits for the disk once per transaction.
_TOGETHER = 100
_SORTED = 150_000
_THREADS = 4
_TOLD_EACH = 100_000
_TIMEOUT_SECONDS = 60
_threads = threading.local()


def write_items(items: Iterable[tuple[str, Item]]) -> int:
    """Write items in large batches. Returns how many."""
    remaining, written, told = iter(items), 0, 0
    with ThreadPoolExecutor(_THREADS) as pool:
        running: list[Future[int]] = []
        # Neighboring keys are written together: this saves the table engine half of its work. The next items are
        # prepared meanwhile.
        while some := sorted(islice(remaining, _SORTED), key=_place):
            batches = (some[start : start + _TOGETHER] for start in range(0, len(some), _TOGETHER))
            before, running = running, [pool.submit(_write, batch) for batch in batches]
            for one in before:
                written += one.result()
            told = _tell(written, told)
        written += sum(one.result() for one in running)
    return written


def _place(entry: tuple[str, Item]) -> tuple[str, str, str]:
    table, item = entry
    return table, item["pk"], item["sk"]


def _write(batch: list[tuple[str, Item]]) -> int:
    puts = [{"Put": {"TableName": settings.table_name(table), "Item": encode_item(item)}} for table, item in batch]
    connection = _connect()
    connection.request("POST", "/", json.dumps({"TransactItems": puts}).encode(), _headers())
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != HTTPStatus.OK:
        raise RuntimeError(f"the table engine refused a batch: {text[:500]!r}")
    return len(batch)


def _connect() -> HTTPConnection:
    """The connection of a thread."""
    if not hasattr(_threads, "connection"):
        place = urlsplit(os.environ.get("AWS_ENDPOINT_URL_DYNAMODB") or os.environ["AWS_ENDPOINT_URL"])
        assert place.hostname
        _threads.connection = HTTPConnection(place.hostname, place.port, timeout=_TIMEOUT_SECONDS)
    found: HTTPConnection = _threads.connection
    return found


def _headers() -> dict[str, str]:
    scope = f"{os.environ['AWS_ACCESS_KEY_ID']}/20260101/{os.environ['AWS_REGION']}/dynamodb/aws4_request"
    return {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "DynamoDB_20120810.TransactWriteItems",
        "X-Amz-Date": "20260101T000000Z",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
    }


def _tell(written: int, told: int) -> int:
    """Say how many items are written: on one line of a terminal, or else a line now and then."""
    if sys.stdout.isatty():
        print(f"\r  {written:,} items", end="", flush=True)
    elif written - told >= _TOLD_EACH:
        print(f"  {written:,} items so far", flush=True)
    else:
        return told
    return written
