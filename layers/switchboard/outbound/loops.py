"""The mark of requests that the platform sends for a model, so that they cannot start each other forever.

Our own server for models sends it with the requests of its tools, and the client of customers' servers sends it with
every request.
"""

from __future__ import annotations

#: The header of such a request. Our own server for models (`functions/mcp`) refuses requests with this header.
LOOP_HEADER = "x-switchboard-hop"
