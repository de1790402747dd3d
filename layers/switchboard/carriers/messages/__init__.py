"""The port to carriers of text messages."""
