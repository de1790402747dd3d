"""Dated tables of the gate's facts: area codes, state law, holidays."""
