"""The streaming routes as an ordinary function: the buffered fallback, for where no answer can be streamed."""

from __future__ import annotations

from functools import cache
from typing import Any

from functions.streams.anima import api
from functions.streams.app import Streams

__all__ = ["api", "handler"]


@cache
def _mangum() -> Any:
    # Made at the first request: it takes an event loop, which an import should not.
    from mangum import Mangum

    # All that it answers is text, problem documents too, which Mangum would take for binary.
    return Mangum(Streams(buffered=True), lifespan="off", text_mime_types=["text/", "application/"])  # type: ignore[arg-type]


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point where the answer is not streamed."""
    answer: dict[str, Any] = _mangum()(event, context)
    return answer
