"""Immutable events. Each is committed together with the change that it reports."""
