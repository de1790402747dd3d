"""Flows: who talks in a call, what it says, and by what right it calls."""
