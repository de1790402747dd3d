"""Anima's dialect: errors, webhook bodies, the event stream and the API document."""
