"""Flows: an agent for calls, with its texts, its voice and the consent for its calls."""
