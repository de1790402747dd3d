"""The port to registries of brands and campaigns, in plain types of its own."""
