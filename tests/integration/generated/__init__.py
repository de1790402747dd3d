"""Clients that well-known generators make of the served documents. They call every operation of the local stack."""
