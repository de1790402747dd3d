"""A streaming API as an ordinary function: its response arrives at once, after the first events."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from switchboard.edge.api import Api
from switchboard.edge.streaming.app import StreamApp


def buffered_handler(api: Api) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Returns Lambda's entry point for an API whose responses cannot be streamed."""

    @cache
    def adapter() -> Any:
        # Created at the first request, because it needs an event loop.
        from mangum import Mangum

        # All responses are text. Mangum would treat problem documents as binary.
        app = StreamApp(api, buffered=True)
        return Mangum(app, lifespan="off", text_mime_types=["text/", "application/"])  # type: ignore[arg-type]

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        answer: dict[str, Any] = adapter()(event, context)
        return answer

    return handler
