"""Streaming responses: an ASGI app of one API, and the delivery of entries to its clients."""
