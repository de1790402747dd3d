"""Agents: the identities that an organization acts as. Each has an inbox."""
