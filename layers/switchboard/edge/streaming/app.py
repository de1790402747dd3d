"""The ASGI app of streaming routes.

The pipeline of all requests produces the head of a response: route, credential, limits, input, errors and headers. The
events of a live stream follow the head. The app runs in three places: under the Lambda Web Adapter (`run.sh`), in the
local gateway, and in Mangum, which returns the complete response at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

from switchboard import telemetry
from switchboard.edge.api import Api
from switchboard.edge.streaming import delivery
from switchboard.edge.streaming.delivery import StreamLimits
from switchboard.edge.streaming.proxy_events import proxy_event
from switchboard.edge.streaming.responses import StreamContext
from switchboard.streams import service
from switchboard.streams.feed import Feeds, Run, Watcher
from switchboard.streams.timer import MonotonicTimer

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_THREADS = 8
_OK = 200


class StreamApp:
    """The ASGI app of one API. `buffered` means that responses arrive only when they are complete."""

    def __init__(self, api: Api, *, buffered: bool = False, run: Run | None = None, feeds: Feeds | None = None) -> None:
        self._api = api
        self._terms = StreamLimits.for_buffered if buffered else StreamLimits.for_live
        self._timer = MonotonicTimer()
        self._run = run or self._in_thread
        self._feeds = feeds or Feeds(self._run, self._timer)
        # Powertools' resolver serves one request at a time.
        self._pipeline = asyncio.Lock()
        self._closed = False

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_THREADS, thread_name_prefix="streams")

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            return
        opening = StreamContext()
        try:
            event = scope.get("aws.event") or proxy_event(scope)
            async with self._pipeline:
                answer = await self._run(self._api.handler, event, opening)
            if opening.opened is None or answer["statusCode"] != _OK:
                await _send_whole(send, answer)
                return
            await _send_head(send, answer)
            if await self._stream(self._feeds.join_feed(opening.opened), receive, send):
                # Lambda stops the process at the end of the response, so the lease is released before.
                await self._release(opening)
                await send({"type": "http.response.body", "body": b""})
        finally:
            await asyncio.shield(self._release(opening))

    async def _stream(self, watcher: Watcher, receive: Receive, send: Send) -> bool:
        """Sends a stream's events. Returns whether the client still reads."""
        started = time.monotonic()
        gone = asyncio.create_task(_watch_disconnect(watcher, receive))
        if self._closed:
            watcher.end_stream("restarting")

        async def write(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        reads, reason = True, ""
        try:
            reason = await delivery.send_events(watcher, write, self._terms(), self._timer)
        except delivery.StalledError as stalled:
            # A response without an end makes the server close the connection.
            reads, reason = False, str(stalled.__doc__)
        finally:
            gone.cancel()
            self._feeds.leave_feed(watcher)
            telemetry.logger().info(
                "stream",
                extra={
                    "org_id": watcher.subscription.org_id,
                    "source": watcher.subscription.source.id,
                    "stream_id": watcher.subscription.id,
                    "seconds": round(time.monotonic() - started, 1),
                    "reason": reason,
                },
            )
        return reads

    async def _release(self, opening: StreamContext) -> None:
        subscription, opening.opened = opening.opened, None
        if subscription is None:
            return
        try:
            await self._run(service.release_stream, subscription)
        except Exception:  # noqa: BLE001 the lease expires by itself
            telemetry.logger().warning("a stream's lease was not released", exc_info=True)

    def close(self) -> None:
        """Ends all streams, including streams that are still being opened."""
        self._closed = True
        self._feeds.end_streams("restarting")


async def _watch_disconnect(watcher: Watcher, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    watcher.end_stream("the client went away")


async def _send_head(send: Send, answer: dict[str, Any]) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer["headers"].items()]
    await send({"type": "http.response.start", "status": answer["statusCode"], "headers": headers})


async def _send_whole(send: Send, answer: dict[str, Any]) -> None:
    body = answer["body"].encode()
    await _send_head(send, answer | {"headers": answer["headers"] | {"content-length": str(len(body))}})
    await send({"type": "http.response.body", "body": body})
