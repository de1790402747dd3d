"""Ports to the outside world: for each the real adapters, and a simulator chosen by configuration."""
