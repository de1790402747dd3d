"""The ASGI app of the event stream, under the Lambda Web Adapter (`run.sh`) and in the local gateway."""

from __future__ import annotations

from functions.streams.anima import api
from switchboard.edge.streaming.app import StreamApp

app = StreamApp(api)
