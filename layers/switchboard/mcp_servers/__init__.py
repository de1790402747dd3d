"""MCP servers of customers: their settings, the tools that they list, and the use of one tool."""
