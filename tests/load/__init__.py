"""Measurements, printed and never asserted: `python -m tests.load`."""
