"""The modules that must not break, and how well tests hold them: `make coverage` and `make mutants`."""
