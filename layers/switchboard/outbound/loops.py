"""The mark of requests that the platform sends by itself, so that they cannot start each other forever.

Our own server for models sends it with the requests of its tools, the client of customers' servers with every request,
flows with the requests of their HTTP tools, and webhooks with each delivery.
"""

from __future__ import annotations

#: The header of such a request. Our own server for models (`functions/mcp`) refuses any request with it.
LOOP_HEADER = "x-switchboard-hop"
#: Its value in the delivery of a webhook. Every API refuses such a request if it changes data (`edge/pipeline.py`): the
#: change would be an event, and the event would make the next delivery. A model may change data.
WEBHOOK_HOP = "webhook"
