"""Streaming routes, of whichever API: one small ASGI app."""
