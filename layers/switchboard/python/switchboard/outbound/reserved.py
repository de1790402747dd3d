"""The headers that no caller of the guarded client may set: by them a request would say something else of itself than
what is sent, or go somewhere else. Here alone, so that whoever takes headers from a customer refuses the same ones.
"""

from __future__ import annotations

#: In lower case.
RESERVED = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer"),
        *("expect", "accept-encoding", "proxy-authorization", "proxy-connection"),
    }
)
