"""Switchboard's domain, shared by every function."""
