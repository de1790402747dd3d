"""The streaming routes as an ordinary function: the buffered fallback where responses cannot be streamed."""

from __future__ import annotations

from functools import cache
from typing import Any

from functions.streams.anima import api
from functions.streams.app import StreamApp

__all__ = ["api", "handler"]


@cache
def _mangum() -> Any:
    # Created at the first request, because it needs an event loop.
    from mangum import Mangum

    # All responses are text. Mangum would treat problem documents as binary.
    return Mangum(StreamApp(buffered=True), lifespan="off", text_mime_types=["text/", "application/"])  # type: ignore[arg-type]


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda'ses entry point without streaming."""
    answer: dict[str, Any] = _mangum()(event, context)
    return answer
