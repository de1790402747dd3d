"""The end of an organization."""
