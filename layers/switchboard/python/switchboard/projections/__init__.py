"""Projections: what is only shown, made from events."""
