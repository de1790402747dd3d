"""Calls: one model and one state machine for all four APIs."""
