"""Live streams: what happens in an organisation, told while it happens."""
