"""The streaming routes of all APIs: one small ASGI app."""
