"""The compliance gate: decides whether a number may be called or texted now."""
