"""The streaming routes as an ordinary function: the buffered fallback where responses cannot be streamed."""

from __future__ import annotations

from functions.hum.streams.routes import api
from switchboard.edge.streaming.buffered import buffered_handler

__all__ = ["api", "handler"]

#: Lambda's entry point without streaming.
handler = buffered_handler(api)
