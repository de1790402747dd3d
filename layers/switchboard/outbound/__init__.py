"""Sends requests to URLs that customers choose: with checked addresses and limits, and never into our own network."""
