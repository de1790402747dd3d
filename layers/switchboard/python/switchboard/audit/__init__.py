"""The audit chain: each organisation's events, numbered without gaps and bound by hashes."""
