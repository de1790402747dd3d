"""Projections: read models that are derived from events."""
