"""Widgets: voice sessions on the pages of partners, opened with public keys."""
