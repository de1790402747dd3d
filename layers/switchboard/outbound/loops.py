"""The mark of requests that the platform sends by itself, so that they cannot start each other forever.

Our own server for models sends it with the requests of its tools, the client of customers' servers with every request,
and webhooks with the deliveries of fired events.
"""

from __future__ import annotations

#: The header of such a request. Our own server for models (`functions/mcp`) refuses any request with it.
LOOP_HEADER = "x-switchboard-hop"
#: Its value in the delivery of a webhook. The address of a trigger refuses such a request: the event would make the
#: next delivery. A model may fire a trigger.
WEBHOOK_HOP = "webhook"
