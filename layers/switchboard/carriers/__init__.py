"""Ports to external providers. Each port has real adapters, and a simulator that a setting selects."""
