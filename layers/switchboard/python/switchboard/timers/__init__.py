"""Later: the one mechanism for everything that is due at a moment."""
