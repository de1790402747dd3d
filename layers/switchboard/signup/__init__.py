"""Sign-up: creates a person's organization, its first agent and the keys, in one step."""
