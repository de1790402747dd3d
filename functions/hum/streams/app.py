"""The ASGI app of HUM's live streams, under the Lambda Web Adapter (`run.sh`) and in the local gateway."""

from __future__ import annotations

from functions.hum.streams.routes import api
from switchboard.edge.streaming.app import StreamApp

app = StreamApp(api)
