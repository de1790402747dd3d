"""The monthly cost of a deployment that nobody uses, read from its templates."""
