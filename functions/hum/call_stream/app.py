"""The ASGI app of the live stream of calls, under the Lambda Web Adapter (`run.sh`) and in the local gateway."""

from __future__ import annotations

from functions.hum.call_stream.routes import api
from switchboard.edge.streaming.app import StreamApp

app = StreamApp(api)
