"""Agents: the identities that an organisation acts as, each with an inbox."""
