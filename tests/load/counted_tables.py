"""Tables in memory that count the requests of a handler, and their round trips."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from tests import memory_cloud
from tests.load.dynamo import Counted, Request

_WAIT_SECONDS = 0.003


class CountedTables:
    """The tables in memory. Each request waits a little, so that requests at the same time are one round trip."""

    def __init__(self, tables: memory_cloud.Tables) -> None:
        self._tables, self._one = tables, threading.Lock()
        self.counted = Counted()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = getattr(self._tables, name)

        def ask(**parameters: Any) -> Any:
            started = time.monotonic()
            time.sleep(_WAIT_SECONDS)
            with self._one:
                answer = operation(**parameters)
                # The counting of requests for the rate limit waits for nobody.
                if "ratelimit" not in str(parameters.get("TableName", "")):
                    self.counted.requests.append(Request(started, time.monotonic(), 0, 0))
            return answer

        return ask
