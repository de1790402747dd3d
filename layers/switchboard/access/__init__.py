"""Authentication: turns a credential into a caller."""
