"""Uses of tools of MCP servers that wait for a person's approval, and the one run of an approved use."""
