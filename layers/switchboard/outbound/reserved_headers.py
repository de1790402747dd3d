"""The headers that no caller of the guarded client may set.

They could contradict the sent request or direct it elsewhere. All code that takes customers' headers uses this list.
"""

from __future__ import annotations

#: In lower case.
RESERVED_HEADERS = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer"),
        *("expect", "accept-encoding", "proxy-authorization", "proxy-connection"),
    }
)
