"""Prefix search: finds subjects by the beginnings of words, with an index of tokens in a table."""
