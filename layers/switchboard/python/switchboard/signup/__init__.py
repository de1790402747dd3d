"""Sign-up: a person's organisation, its first agent and their keys, in one step."""
