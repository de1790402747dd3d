"""The audit chain: the events of each organization, numbered without gaps and linked by hashes."""
