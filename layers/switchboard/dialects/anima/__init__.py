"""Anima's words: errors, webhook bodies, the event stream and the API document."""
