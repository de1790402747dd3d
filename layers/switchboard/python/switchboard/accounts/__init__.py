"""Organisations, their plans and their keys."""
